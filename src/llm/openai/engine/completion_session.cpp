#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/result.hpp"
#include "llm/openai/engine/answering.hpp"
#include "llm/openai/engine/session.hpp"

namespace segue::llm {
namespace {

using namespace openai_engine;

class CompletionSession final : public AnsweringSession {
public:
    CompletionSession(CompletionRequest request, const BridgeContext& context)
        : AnsweringSession(request.model, context), request_(std::move(request)) {
        if (request_.prompts.empty()) request_.prompts.emplace_back();
    }

    Outcome<Calls> start() override {
        if (request_.has_suffix && target_.traits->insert == EngineTraits::Tri::kNo)
            return without_suffix();
        return ask_again();
    }

protected:
    Outcome<Calls> ask_again() override {
        declared_ = {};
        SEGUE_TRY(body, encode_completion(request_, target_, suffix_, max_tokens_, declared_));
        DecoderOptions options = decoder_options();
        options.top_logprobs = request_.top_logprobs.value_or(0);
        // Choices of all prompts are numbered through.
        const std::int64_t choices =
            request_.choices * static_cast<std::int64_t>(request_.prompts.size());
        return answering_call("/v1/completions", std::move(body),
                              delivery_for(request_.choices, request_.extras, *target_.profile),
                              std::move(options), stops_for_segue(request_.sampling), choices);
    }

    Asked asked() const override { return {request_.format.kind, {}}; }

    std::optional<Outcome<Calls>> repair(const EngineAnswer& /*answer*/,
                                         const EngineError& error) override {
        const bool about_suffix =
            error.param == "suffix" || error.message.find("suffix") != std::string::npos;
        if (!request_.has_suffix || suffix_ == Suffix::kByTemplate || !about_suffix)
            return std::nullopt;
        target_.traits->insert = EngineTraits::Tri::kNo;
        return without_suffix();
    }

private:
    /// The model's own fill-in-the-middle pattern as a raw prompt (wire 3.3).
    Outcome<Calls> without_suffix() {
        if (target_.profile->fim_template.empty())
            return refuse(Failure::Cause::kBadRequest,
                          fmt::format("{} does not support insert", client_model_), 400);
        suffix_ = Suffix::kByTemplate;
        return ask_again();
    }

    CompletionRequest request_;
    Suffix suffix_ = Suffix::kSend;
};

}  // namespace

std::unique_ptr<EngineSession> make_openai_completion_session(CompletionRequest request,
                                                              const BridgeContext& context) {
    return std::make_unique<CompletionSession>(std::move(request), context);
}

}  // namespace segue::llm
