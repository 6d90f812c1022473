#include <bit>

#include "base/json.hpp"
#include "base/text.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/openai/front/encode_parts.hpp"

namespace segue::llm {
namespace {

using json::Writer;

std::string little_endian_floats(const std::vector<double>& row) {
    std::string bytes;
    bytes.reserve(row.size() * 4);
    for (const double number : row) {
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(number));
        for (int shift = 0; shift < 32; shift += 8)
            bytes += static_cast<char>((bits >> shift) & 0xff);
    }
    return bytes;
}

class EmbeddingsEncoder final : public ResponseEncoder {
public:
    EmbeddingsEncoder(OpenAiAnswerOptions options, EmbeddingFormat format)
        : options_(std::move(options)), format_(format) {}

    bool streaming() const override { return false; }
    std::string_view content_type() const override { return "application/json"; }

    std::optional<Failure> encode(const Events& events, const Timings&, std::string& out) override {
        for (const Event& event : events) {
            if (const auto* vectors = std::get_if<Vectors>(&event))
                rows_.insert(rows_.end(), vectors->rows.begin(), vectors->rows.end());
            else if (const auto* usage = std::get_if<Usage>(&event))
                usage_.update(*usage);
            else if (std::holds_alternative<Ended>(event))
                write(out);
        }
        return std::nullopt;
    }

private:
    void write(std::string& out) const {
        Writer writer(out);
        writer.begin_object().member("object", "list").key("data").begin_array();
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            writer.begin_object().member("object", "embedding").member("index", i).key("embedding");
            if (format_ == EmbeddingFormat::kBase64) {
                writer.string(base64_encode(little_endian_floats(rows_[i])));
            } else {
                writer.begin_array();
                for (const double number : rows_[i])
                    writer.number(number);
                writer.end_array();
            }
            writer.end_object();
        }
        const std::int64_t tokens = usage_.prompt_tokens.value_or(0);
        writer.end_array().member("model", options_.model).key("usage").begin_object();
        writer.member("prompt_tokens", tokens)
            .member("total_tokens", tokens)
            .end_object()
            .end_object();
    }

    OpenAiAnswerOptions options_;
    EmbeddingFormat format_;
    std::vector<std::vector<double>> rows_;
    Usage usage_;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_openai_embeddings_encoder(OpenAiAnswerOptions options,
                                                                EmbeddingFormat format) {
    return std::make_unique<EmbeddingsEncoder>(std::move(options), format);
}

}  // namespace segue::llm
