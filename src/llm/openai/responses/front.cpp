#include "llm/openai/responses/front.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "llm/affinity.hpp"
#include "llm/grounding.hpp"
#include "llm/openai/engine/thinking.hpp"
#include "llm/openai/front/fields.hpp"
#include "llm/openai/responses/decode.hpp"
#include "llm/openai/responses/encode.hpp"
#include "llm/openai/responses/fallback.hpp"
#include "llm/relay/openai_relay.hpp"

namespace segue::llm {
namespace {

using MadeBridge = Outcome<std::unique_ptr<Bridge>>;

Failure unreadable(std::string message) {
    Failure failure{Failure::Cause::kBadRequest, std::move(message), 400};
    failure.code = "invalid_json";
    return failure;
}

MadeBridge from_chat(const std::string& text, BridgeContext context) {
    json::Parser parser;
    const auto body = parser.parse(text);
    if (!body) return tl::unexpected<Failure>(unreadable(body.error().reason));
    Declarations declared;
    SEGUE_TRY(request, openai::decode_responses(*body, declared));
    const bool ollama = context.target.dialect == Dialect::kOllama;
    if (ollama && context.policy.ollama_sampling_for_openai) {
        if (!request.sampling.temperature) request.sampling.temperature = 1.0;
        if (!request.sampling.top_p) request.sampling.top_p = 1.0;
    }
    if (!ollama && request.think.wanted() && !can_think(context.target)) {
        request.think = {Think::Mode::kOff, {}, {}};
        declared.ignore("reasoning.effort", Loss::kHint);
    }
    auto encoder = openai::make_responses_encoder(
        request.stream ? openai::Delivery::kStream : openai::Delivery::kWhole,
        request.model.empty() ? context.target.served_model : request.model,
        openai::responses_echo(*body));
    auto filters = make_chat_filters(context, request);
    auto session = make_chat_session(std::move(request), context);
    return make_translating_bridge(Dialect::kOpenAi, std::move(context), std::move(session),
                                   std::move(filters), std::move(encoder), std::move(declared));
}

class ResponsesRequest final : public FrontRequest {
public:
    ResponsesRequest(std::string body, std::string model, bool streaming, std::uint64_t affinity)
        : body_(std::make_shared<const std::string>(std::move(body))),
          model_(std::move(model)),
          streaming_(streaming),
          affinity_(affinity) {}

    Dialect front() const override { return Dialect::kOpenAi; }
    const std::string& model() const override { return model_; }
    bool streaming() const override { return streaming_; }
    std::uint64_t affinity_key() const override { return affinity_; }

    Outcome<std::vector<Message>> turns() const override {
        json::Parser parser;
        const auto body = parser.parse(*body_);
        if (!body) return tl::unexpected<Failure>(unreadable(body.error().reason));
        Declarations declared;
        SEGUE_TRY(request, openai::decode_responses(*body, declared));
        return std::move(request.messages);
    }

    MadeBridge bridge(BridgeContext context) const override {
        const bool relayed = context.target.dialect == Dialect::kOpenAi && !context.grounding &&
                             context.target.traits->responses_api != EngineTraits::Tri::kNo;
        if (!relayed) return from_chat(*body_, std::move(context));
        OpenAiRelayRequest relay;
        relay.path = "/v1/responses";
        relay.body = body_;
        relay.client_model = model_;
        relay.stream = streaming_;
        relay.kind = OpenAiRelayKind::kResponses;
        auto traits = context.target.traits;
        auto first = make_openai_relay(context, std::move(relay));
        return openai::make_fallback_bridge(
            std::move(first), std::move(traits),
            [body = body_, context = std::move(context)] { return from_chat(*body, context); });
    }

private:
    std::shared_ptr<const std::string> body_;
    std::string model_;
    bool streaming_;
    std::uint64_t affinity_;
};

}  // namespace

Outcome<std::unique_ptr<FrontRequest>> decode_responses_request(std::string body) {
    json::Parser parser;
    const auto root = parser.parse(body);
    if (!root)
        return tl::unexpected<Failure>(
            unreadable(fmt::format("the request body is not valid JSON: {} (at byte {})",
                                   root.error().reason, root.error().offset)));
    if (!root->is_object())
        return tl::unexpected<Failure>(unreadable("the request body must be a JSON object"));
    openai::Fields fields(*root);
    std::string model = fields.text("model");
    const bool streaming = fields.boolean("stream").value_or(false);
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    return std::make_unique<ResponsesRequest>(std::move(body), std::move(model), streaming,
                                              affinity_of_request(*root));
}

}  // namespace segue::llm
