#include "llm/anthropic/front.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/json.hpp"
#include "base/result.hpp"
#include "llm/affinity.hpp"
#include "llm/anthropic/decode.hpp"
#include "llm/anthropic/encode.hpp"
#include "llm/grounding.hpp"
#include "llm/openai/engine/overflow.hpp"
#include "llm/openai/engine/session.hpp"
#include "llm/openai/engine/thinking.hpp"
#include "llm/session.hpp"

namespace segue::llm {
namespace {

using Filters = std::vector<std::unique_ptr<EventFilter>>;
using MadeBridge = Outcome<std::unique_ptr<Bridge>>;

/// A prompt's length on an engine that cannot count: characters / 4, said to be a guess (wire
/// 3.13).
class EstimateBridge final : public Bridge {
public:
    EstimateBridge(std::int64_t tokens, Declarations declared)
        : tokens_(tokens), declared_(std::move(declared)) {
        declared_.adjust("input_tokens");
    }

    Outcome<std::vector<EngineCall>> start(Moment now, Output& out) override {
        seen_.finished = now.at;
        out.status = 200;
        out.content_type = "application/json";
        out.bytes =
            json::object([&](json::Writer& writer) { writer.member("input_tokens", tokens_); });
        out.state = Output::State::kDone;
        return std::vector<EngineCall>{};
    }
    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t, EngineAnswer, Moment,
                                               Output&) override {
        return std::vector<EngineCall>{};
    }
    void on_bytes(std::uint32_t, std::string_view, Moment, Output&) override {}
    void on_end(std::uint32_t, Moment, Output&) override {}
    void on_broken(const Failure&, Moment, Output&) override {}
    const Declarations& declarations() const override { return declared_; }
    const Observation& observation() const override { return seen_; }

private:
    std::int64_t tokens_;
    Declarations declared_;
    Observation seen_;
};

class AnthropicRequest final : public FrontRequest {
public:
    AnthropicRequest(anthropic::Purpose purpose, ChatRequest request, Declarations declared)
        : purpose_(purpose), request_(std::move(request)), declared_(std::move(declared)) {}

    Dialect front() const override { return Dialect::kAnthropic; }
    const std::string& model() const override { return request_.model; }
    bool streaming() const override { return request_.stream; }
    std::uint64_t affinity_key() const override { return affinity_of(request_.messages); }
    Outcome<std::vector<Message>> turns() const override { return request_.messages; }

    MadeBridge bridge(BridgeContext context) const override {
        ChatRequest request = request_;
        Declarations declared = declared_;
        const bool ollama = context.target.dialect == Dialect::kOllama;
        // Here thinking is a wish: Ollama answers it without thinking too (wire 1.14).
        if (!ollama && request.think.wanted() && !can_think(context.target)) {
            request.think = {Think::Mode::kOff, {}, {}};
            declared.ignore("thinking", Loss::kHint);
        }
        if (purpose_ == anthropic::Purpose::kCount)
            return counting(std::move(request), std::move(declared), std::move(context));
        auto encoder = request.stream ? make_anthropic_stream_encoder(request.model)
                                      : make_anthropic_encoder(request.model);
        auto filters = make_chat_filters(context, request);
        auto session = make_chat_session(std::move(request), context);
        return make_translating_bridge(Dialect::kAnthropic, std::move(context), std::move(session),
                                       std::move(filters), std::move(encoder), std::move(declared));
    }

private:
    static MadeBridge counting(ChatRequest request, Declarations declared, BridgeContext context) {
        // Where no engine is asked for the answer, none reads a token.
        if (context.grounding && !context.grounding->said.empty())
            return std::make_unique<EstimateBridge>(0, std::move(declared));
        add_passages(request, context);
        if (context.target.dialect == Dialect::kOllama)
            return std::make_unique<EstimateBridge>(openai_engine::quarter_of_characters(request),
                                                    std::move(declared));
        auto session = make_openai_count_session(std::move(request), context);
        return make_translating_bridge(Dialect::kAnthropic, std::move(context), std::move(session),
                                       Filters{}, make_anthropic_count_encoder(),
                                       std::move(declared));
    }

    anthropic::Purpose purpose_;
    ChatRequest request_;
    Declarations declared_;
};

Outcome<std::unique_ptr<FrontRequest>> decode(std::string_view body, anthropic::Purpose purpose) {
    json::Parser parser;
    const auto root = parser.parse(body);
    if (!root)
        return refuse(Failure::Cause::kBadRequest,
                      fmt::format("the request body is not valid JSON: {} (at byte {})",
                                  root.error().reason, root.error().offset),
                      400);
    if (!root->is_object())
        return refuse(Failure::Cause::kBadRequest, "the request body must be a JSON object", 400);
    Declarations declared;
    SEGUE_TRY(request, anthropic::decode_messages_request(*root, purpose, declared));
    if (purpose == anthropic::Purpose::kCount) request.stream = false;
    return std::make_unique<AnthropicRequest>(purpose, std::move(request), std::move(declared));
}

}  // namespace

Outcome<std::unique_ptr<FrontRequest>> decode_anthropic_request(std::string_view body) {
    return decode(body, anthropic::Purpose::kAnswer);
}

Outcome<std::unique_ptr<FrontRequest>> decode_anthropic_count_request(std::string_view body) {
    return decode(body, anthropic::Purpose::kCount);
}

}  // namespace segue::llm
