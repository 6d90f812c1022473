#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "llm/ollama/engine/encode.hpp"
#include "llm/ollama/engine/errors.hpp"
#include "llm/ollama/engine/session.hpp"

namespace segue::llm {
namespace {

/// Ollama before 0.11.11 ignores `dimensions`: cut and normalise as newer ones do (wire 1.9, 5.3).
void shorten(std::vector<double>& row, std::int64_t dimensions) {
    if (dimensions <= 0 || row.size() <= static_cast<std::size_t>(dimensions)) return;
    row.resize(static_cast<std::size_t>(dimensions));
    double squares = 0;
    for (const double x : row)
        squares += x * x;
    if (squares <= 0) return;
    const double length = std::sqrt(squares);
    for (double& x : row)
        x /= length;
}

class EmbedSession final : public EngineSession {
public:
    EmbedSession(EmbedRequest request, const BridgeContext& context)
        : request_(std::move(request)),
          target_(context.target),
          client_model_(request_.model.empty() ? target_.served_model : request_.model) {}

    Outcome<std::vector<EngineCall>> start() override {
        SEGUE_TRY(body, ollama::encode_embed(request_, target_, declared_));
        EngineCall call;
        call.id = 1;
        call.path = "/api/embed";
        call.body = std::move(body);
        std::vector<EngineCall> calls;
        calls.push_back(std::move(call));
        return calls;
    }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t, EngineAnswer answer,
                                               Events& events) override {
        if (std::exchange(over_, true)) return std::vector<EngineCall>{};
        if (answer.status < 200 || answer.status >= 300)
            return tl::unexpected<Failure>(ollama::answer_failure(answer, target_, client_model_));
        json::Parser parser;
        const auto root = parser.parse(answer.body);
        if (!root || !root->is_object()) return broken("sent an answer that is no JSON object");
        if ((*root)["error"])
            return tl::unexpected<Failure>(
                ollama::line_failure(answer.body, target_, client_model_));
        Vectors vectors;
        for (const json::Value row : (*root)["embeddings"]) {
            std::vector<double>& numbers = vectors.rows.emplace_back();
            numbers.reserve(row.size());
            for (const json::Value number : row) {
                const auto value = number.number();
                if (!value) return broken("sent an embedding that is not made of numbers");
                numbers.push_back(*value);
            }
            if (request_.dimensions) shorten(numbers, *request_.dimensions);
        }
        // Fewer vectors than texts would give a client the wrong vector for a text.
        if (vectors.rows.size() != request_.inputs.size())
            return broken(fmt::format("sent {} embeddings for {} texts", vectors.rows.size(),
                                      request_.inputs.size()));
        Usage usage;
        usage.prompt_tokens = (*root)["prompt_eval_count"].integer().value_or(0);
        events.emplace_back(Started{});
        events.emplace_back(std::move(vectors));
        events.emplace_back(usage);
        events.emplace_back(Finished{});
        events.emplace_back(Ended{});
        return std::vector<EngineCall>{};
    }

    void on_bytes(std::uint32_t, std::string_view, Events&) override {}
    void on_end(std::uint32_t, Events&) override {}
    const Declarations& declarations() const override { return declared_; }

private:
    tl::unexpected<Failure> broken(std::string_view why) const {
        return refuse(Failure::Cause::kBroken, fmt::format("engine {} {}", target_.engine, why));
    }

    EmbedRequest request_;
    Target target_;
    std::string client_model_;
    Declarations declared_;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<EngineSession> make_ollama_embed_session(EmbedRequest request,
                                                         const BridgeContext& context) {
    return std::make_unique<EmbedSession>(std::move(request), context);
}

}  // namespace segue::llm
