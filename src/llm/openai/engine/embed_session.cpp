#include <fmt/format.h>

#include <bit>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "llm/openai/engine/answering.hpp"
#include "llm/openai/engine/session.hpp"

namespace segue::llm {
namespace {

using namespace openai_engine;
using Cause = Failure::Cause;

/// Ollama's words, without the space that its documentation has at the end.
constexpr std::string_view kNoEmbeddings =
    "This server does not support embeddings. Start it with `--embeddings`";

/// Numbers, or base64 of little-endian float32 from an engine that does not look at
/// encoding_format.
std::optional<std::vector<double>> read_row(json::Value row) {
    std::vector<double> numbers;
    if (row.is_string()) {
        const auto bytes = base64_decode(row.string());
        if (!bytes || bytes->size() % sizeof(float) != 0) return std::nullopt;
        for (std::size_t at = 0; at < bytes->size(); at += sizeof(float)) {
            std::uint32_t bits = 0;
            for (std::size_t byte = 0; byte < sizeof(float); ++byte) {
                const auto part = static_cast<unsigned char>((*bytes)[at + byte]);
                bits |= static_cast<std::uint32_t>(part) << (8 * byte);
            }
            numbers.push_back(static_cast<double>(std::bit_cast<float>(bits)));
        }
        return numbers;
    }
    if (!row.is_array()) return std::nullopt;
    numbers.reserve(row.size());
    for (const json::Value number : row) {
        const auto value = number.number();
        if (!value) return std::nullopt;
        numbers.push_back(*value);
    }
    return numbers;
}

class EmbedSession final : public EngineSession {
public:
    EmbedSession(EmbedRequest request, const BridgeContext& context)
        : target_(context.target), request_(std::move(request)) {
        if (request_.model.empty()) request_.model = target_.served_model;
    }

    Outcome<Calls> start() override {
        declared_ = {};
        EngineCall call;
        call.id = ++last_call_;
        call.path = "/v1/embeddings";
        call.body = encode_embed(request_, target_, declared_);
        Calls calls;
        calls.push_back(std::move(call));
        return calls;
    }

    Outcome<Calls> on_answer(std::uint32_t call, EngineAnswer answer, Events& events) override {
        if (over_ || call != last_call_) return Calls{};
        json::Parser parser;
        const auto root = parser.parse(answer.body);
        const bool success = answer.status >= 200 && answer.status < 300;
        if (!success || (root && root->is_object() && find_error(*root))) return refused(answer);
        over_ = true;
        if (!root || !root->is_object()) return broken("sent an answer that is no JSON object");
        return read(*root, events);
    }

    void on_bytes(std::uint32_t, std::string_view, Events&) override {}
    void on_end(std::uint32_t, Events&) override {}
    const Declarations& declarations() const override { return declared_; }

private:
    Outcome<Calls> refused(const EngineAnswer& answer) {
        const EngineError error = read_error(answer.body);
        if (answer.status == 400 && repairs_++ < 3 && learn_from_refusal(error, {}, target_))
            return start();
        over_ = true;
        Failure failure = answer_failure(answer, error, target_, request_.model);
        // A generating server has no such route (wire 2.1).
        if (failure.cause == Cause::kUnsupported) failure.message = kNoEmbeddings;
        if (failure.cause == Cause::kModelNotFound)
            failure.message =
                fmt::format("model \"{}\" not found, try pulling it first", request_.model);
        return tl::unexpected<Failure>(std::move(failure));
    }

    Outcome<Calls> read(json::Value root, Events& events) {
        const json::Value data = root["data"];
        Vectors vectors;
        vectors.rows.resize(request_.inputs.size());
        std::vector<bool> given(request_.inputs.size(), false);
        std::int64_t position = 0;
        for (const json::Value entry : data) {
            // The order of the list is not promised; the index is.
            const std::int64_t index = entry["index"].integer().value_or(position);
            ++position;
            auto row = read_row(entry["embedding"]);
            if (!row) return broken("sent an embedding that is not made of numbers");
            const auto place = static_cast<std::size_t>(index);
            if (index < 0 || place >= given.size() || given[place])
                return broken("sent an embedding for a text that was not asked for");
            given[place] = true;
            vectors.rows[place] = std::move(*row);
        }
        // Fewer vectors than texts would give a client the wrong vector for a text.
        if (data.size() != given.size())
            return broken(
                fmt::format("sent {} embeddings for {} texts", data.size(), given.size()));
        Usage usage;
        usage.prompt_tokens = root["usage"]["prompt_tokens"].integer().value_or(0);
        events.emplace_back(Started{});
        events.emplace_back(std::move(vectors));
        events.emplace_back(usage);
        events.emplace_back(Finished{});
        events.emplace_back(Ended{});
        return Calls{};
    }

    tl::unexpected<Failure> broken(std::string_view why) const {
        return refuse(Cause::kBroken, fmt::format("engine {} {}", target_.engine, why));
    }

    Target target_;
    EmbedRequest request_;
    Declarations declared_;
    std::uint32_t last_call_ = 0;
    int repairs_ = 0;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<EngineSession> make_openai_embed_session(EmbedRequest request,
                                                         const BridgeContext& context) {
    return std::make_unique<EmbedSession>(std::move(request), context);
}

}  // namespace segue::llm
