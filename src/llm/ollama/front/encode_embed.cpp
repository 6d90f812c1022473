#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.hpp"
#include "llm/ollama/front/encode.hpp"
#include "llm/ollama/front/go_json.hpp"

namespace segue::llm {
namespace {

/// Cut to `dimensions` when that is smaller, then of length 1 (wire 1.9).
void append_vector(const std::vector<double>& row, std::optional<std::int64_t> dimensions,
                   std::string& out) {
    std::size_t size = row.size();
    if (dimensions && *dimensions > 0) size = std::min(size, static_cast<std::size_t>(*dimensions));
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i)
        sum += row[i] * row[i];
    const double length = sum > 0 ? std::sqrt(sum) : 1;
    out += '[';
    for (std::size_t i = 0; i < size; ++i) {
        if (i > 0) out += ',';
        append_go_float(static_cast<float>(row[i] / length), out);  // Ollama's vectors are float32
    }
    out += ']';
}

class OllamaEmbedEncoder final : public ResponseEncoder {
public:
    explicit OllamaEmbedEncoder(OllamaEmbedEncoding encoding) : encoding_(std::move(encoding)) {}

    bool streaming() const override { return false; }
    std::string_view content_type() const override { return kOllamaJson; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events) {
            if (const auto* vectors = std::get_if<Vectors>(&event)) {
                for (const auto& row : vectors->rows) {
                    if (!rows_.empty()) rows_ += ',';
                    append_vector(row, encoding_.dimensions, rows_);
                }
            } else if (const auto* usage = std::get_if<Usage>(&event)) {
                usage_.update(*usage);
            } else if (std::holds_alternative<Ended>(event)) {
                write(timings, out);
            }
        }
        return std::nullopt;
    }

private:
    void write(const Timings& timings, std::string& out) const {
        json::Writer writer(out);
        writer.begin_object();
        if (encoding_.shape == OllamaEmbedEncoding::Shape::kEmbeddings) {
            writer.member_raw("embedding", rows_.empty() ? "[]" : rows_);
        } else {
            const std::int64_t load = std::max<std::int64_t>(timings.load.count(), 1);
            writer.member("model", encoding_.model);
            writer.member_raw("embeddings", "[" + rows_ + "]");
            writer.member("total_duration", std::max<std::int64_t>(timings.total.count(), load));
            writer.member("load_duration", load);
            writer.member("prompt_eval_count",
                          std::max<std::int64_t>(usage_.prompt_tokens.value_or(1), 1));
        }
        writer.end_object();
    }

    OllamaEmbedEncoding encoding_;
    std::string rows_;
    Usage usage_;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_ollama_embed_encoder(OllamaEmbedEncoding encoding) {
    return std::make_unique<OllamaEmbedEncoder>(std::move(encoding));
}

std::string ollama_empty_embedding(OllamaEmbedEncoding::Shape shape, std::string_view model) {
    return json::object([&](json::Writer& writer) {
        if (shape == OllamaEmbedEncoding::Shape::kEmbeddings) {
            writer.member_raw("embedding", "[]");
        } else {
            writer.member("model", model);
            writer.member_raw("embeddings", "[]");
        }
    });
}

}  // namespace segue::llm
