#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "llm/openai/engine/answering.hpp"
#include "llm/openai/engine/messages.hpp"
#include "llm/openai/engine/overflow.hpp"
#include "llm/openai/engine/session.hpp"
#include "llm/openai/engine/thinking.hpp"

namespace segue::llm {
namespace {

using namespace openai_engine;
using Cause = Failure::Cause;

/// What /tokenize said.
struct Count {
    std::int64_t tokens = 0;
    std::optional<std::int64_t> max_model_len;
};

std::optional<Count> read_count(const EngineAnswer& answer) {
    if (answer.status != 200) return std::nullopt;
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    if (!root) return std::nullopt;
    const auto tokens = (*root)["count"].integer();
    if (!tokens) return std::nullopt;
    return Count{*tokens, (*root)["max_model_len"].integer()};
}

std::vector<std::int64_t> read_tokens(const EngineAnswer& answer) {
    std::vector<std::int64_t> tokens;
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    if (answer.status != 200 || !root) return tokens;
    for (const json::Value token : (*root)["tokens"])
        tokens.push_back(token.integer().value_or(0));
    return tokens;
}

class ChatSession final : public AnsweringSession {
public:
    ChatSession(ChatRequest request, const BridgeContext& context)
        : AnsweringSession(request.model, context), request_(std::move(request)) {
        request_.model = client_model_;
        request_.messages = prepare_messages(std::move(request_.messages), *context.target.profile);
    }

    Outcome<Calls> start() override {
        if (!request_.want_token_ids || request_.context.empty()) return ask_again();
        return ask_for_tokens();
    }

protected:
    Outcome<Calls> ask_again() override {
        phase_ = Phase::kAsking;
        declared_ = {};
        SEGUE_TRY(body, encode_chat(request_, target_, max_tokens_, declared_));
        if (shortener_) shortener_->declare(declared_);
        if (context_lost_) declared_.ignore("context", Loss::kSemantic);
        return answering("/v1/chat/completions", std::move(body));
    }

    Asked asked() const override { return {request_.format.kind, request_.think}; }

    std::optional<Outcome<Calls>> repair(const EngineAnswer& answer,
                                         const EngineError& error) override {
        if (!is_too_long(error)) return std::nullopt;
        const std::string_view text = error.message;
        max_len_ = number_after(text, "maximum context length is ");
        if (!max_len_) max_len_ = target_.max_model_len;
        // Engines before 0.10 add max_tokens to the prompt and refuse the sum; newer ones clamp.
        const auto in_messages = number_after(text, " tokens (");
        if (in_messages && max_len_ && *in_messages < *max_len_ && !max_tokens_) {
            max_tokens_ = *max_len_ - *in_messages;
            return ask_again();
        }
        too_long_ = failure_of(answer, error);
        too_long_.limit_tokens = max_len_;
        if (request_.truncate == false) {
            // One more question, so that the client is told both numbers.
            phase_ = Phase::kCountingForFailure;
            return count(request_.messages);
        }
        if (shortener_ && shortener_->state() == Shortener::State::kFits) ++too_long_again_;
        shortener_.emplace(request_.messages, limit(),
                           target_.profile->overflow == Overflow::kError ? TextCut::kForbidden
                                                                         : TextCut::kAllowed);
        phase_ = Phase::kShortening;
        return shorten();
    }

    Outcome<Calls> prepared(std::uint32_t call, const EngineAnswer& answer) override {
        switch (phase_) {
            case Phase::kAsking: return Calls{};
            case Phase::kCountingForFailure:
                if (const auto told = read_count(answer)) {
                    too_long_.prompt_tokens = told->tokens;
                    if (told->max_model_len) too_long_.limit_tokens = told->max_model_len;
                }
                return tl::unexpected<Failure>(too_long_);
            case Phase::kShortening:
                if (const auto told = read_count(answer)) {
                    shortener_->counted(told->tokens);
                } else {
                    estimating_ = true;
                }
                return shorten();
            case Phase::kTokens: return take_tokens(call, answer);
        }
        return Calls{};
    }

private:
    Outcome<Calls> answering(std::string path, std::string body) {
        DecoderOptions options = decoder_options();
        options.message_position = request_.messages.size();
        options.top_logprobs = request_.top_logprobs.value_or(0);
        options.want_token_ids = request_.want_token_ids;
        return answering_call(std::move(path), std::move(body),
                              delivery_for(request_.choices, request_.extras, *target_.profile),
                              std::move(options), stops_for_segue(request_.sampling),
                              request_.choices);
    }

    Outcome<Calls> count(const std::vector<Message>& messages) {
        ChatRequest part;
        part.model = request_.model;
        part.messages = messages;
        part.tools = request_.tools;
        part.think = request_.think;
        for (const Extra& extra : request_.extras) {
            if (extra.name == "chat_template_kwargs") part.extras.push_back(extra);
        }
        SEGUE_TRY(body, encode_tokenize(part, target_));
        Calls calls;
        calls.push_back(preparing_call("/tokenize", std::move(body)));
        return calls;
    }

    /// Tokens that the prompt may have (wire 3.7). The answer's share is at most half of the
    /// context: a client that asks for all of it (num_predict 100000) would leave nothing for its
    /// question.
    std::int64_t limit() const {
        std::int64_t most = max_len_.value_or(4096);
        const std::int64_t half = std::max<std::int64_t>(most / 2, 1);
        const auto& wanted = request_.sampling.num_ctx;
        if (wanted && *wanted > 0) most = std::min(most, *wanted);
        const std::int64_t answer =
            std::clamp<std::int64_t>(request_.sampling.max_tokens.value_or(1), 1, half);
        // A wrong estimate: less each time.
        most -= answer;
        for (int again = 0; again < too_long_again_; ++again)
            most = most * 3 / 4;
        return std::max<std::int64_t>(most, 1);
    }

    Outcome<Calls> shorten() {
        while (shortener_->state() == Shortener::State::kCount) {
            if (!estimating_) return count(shortener_->candidate());
            shortener_->counted(estimate_tokens(shortener_->candidate()));
        }
        if (shortener_->state() == Shortener::State::kHopeless) {
            too_long_.prompt_tokens = shortener_->last_count();
            return tl::unexpected<Failure>(too_long_);
        }
        // The original stays, for a second try with a lower limit.
        std::vector<Message> all =
            std::exchange(request_.messages, std::vector<Message>(shortener_->candidate()));
        auto calls = ask_again();
        request_.messages = std::move(all);
        return calls;
    }

    /// Two questions side by side: the tokens of what is new, and whether the tokenizer begins a
    /// text with one of its own (BOS), which must not stand in the middle of the whole.
    Outcome<Calls> ask_for_tokens() {
        phase_ = Phase::kTokens;
        SEGUE_TRY(calls, count(request_.messages));
        tokens_call_ = calls.front().id;
        calls.push_back(
            preparing_call("/tokenize", json::object([&](json::Writer& writer) {
                               writer.member("model", target_.served_model).member("prompt", "");
                               writer.member("add_special_tokens", true);
                           })));
        return calls;
    }

    Outcome<Calls> take_tokens(std::uint32_t call, const EngineAnswer& answer) {
        (call == tokens_call_ ? new_tokens_ : opening_) = read_tokens(answer);
        if (++token_answers_ < 2) return Calls{};
        if (!new_tokens_ || new_tokens_->empty()) {
            context_lost_ = true;
            return ask_again();
        }
        auto from = new_tokens_->begin();
        if (opening_ && opening_->size() == 1 && *from == opening_->front()) ++from;
        std::vector<std::int64_t> prompt = request_.context;
        prompt.insert(prompt.end(), from, new_tokens_->end());
        phase_ = Phase::kAsking;
        declared_ = {};
        SEGUE_TRY(body, encode_token_prompt(request_, prompt, target_, declared_));
        return answering("/v1/completions", std::move(body));
    }

    ChatRequest request_;
    enum class Phase : std::uint8_t { kAsking, kCountingForFailure, kShortening, kTokens };
    Phase phase_ = Phase::kAsking;

    std::optional<std::int64_t> max_len_;
    Failure too_long_;
    std::optional<Shortener> shortener_;
    bool estimating_ = false;  // the engine does not count
    int too_long_again_ = 0;

    std::uint32_t tokens_call_ = 0;
    int token_answers_ = 0;
    std::optional<std::vector<std::int64_t>> new_tokens_;
    std::optional<std::vector<std::int64_t>> opening_;
    bool context_lost_ = false;
};

class CountSession final : public EngineSession {
public:
    CountSession(ChatRequest request, const BridgeContext& context)
        : target_(context.target), request_(std::move(request)) {
        if (request_.model.empty()) request_.model = target_.served_model;
        request_.messages = prepare_messages(std::move(request_.messages), *context.target.profile);
        // Counting needs no thinking; the prompt of a model that cannot is the same without.
        if (!can_think(target_)) request_.think = {};
    }

    Outcome<Calls> start() override {
        SEGUE_TRY(body, encode_tokenize(request_, target_));
        EngineCall call;
        call.id = ++last_call_;
        call.path = "/tokenize";
        call.body = std::move(body);
        Calls calls;
        calls.push_back(std::move(call));
        return calls;
    }

    Outcome<Calls> on_answer(std::uint32_t call, EngineAnswer answer, Events& events) override {
        if (over_ || call != last_call_) return Calls{};
        const EngineError error = read_error(answer.body);
        const auto told = read_count(answer);
        if (!told) {
            if (answer.status == 400 && repairs_++ < 3 &&
                learn_from_refusal(error, {ResponseFormat::Kind::kNone, request_.think}, target_))
                return start();
            over_ = true;
            Failure failure = answer_failure(answer, error, target_, request_.model);
            const bool no_tokenizer = answer.status == 200 ||
                                      failure.cause == Cause::kUnsupported ||
                                      failure.cause == Cause::kEngineRefused;
            if (!no_tokenizer) return tl::unexpected<Failure>(std::move(failure));
            declared_.adjust("input_tokens");
        }
        over_ = true;
        Usage usage;
        usage.prompt_tokens = told ? told->tokens : quarter_of_characters(request_);
        events.emplace_back(Started{});
        events.emplace_back(usage);
        events.emplace_back(Ended{});
        return Calls{};
    }

    void on_bytes(std::uint32_t, std::string_view, Events&) override {}
    void on_end(std::uint32_t, Events&) override {}
    const Declarations& declarations() const override { return declared_; }

private:
    Target target_;
    ChatRequest request_;
    Declarations declared_;
    std::uint32_t last_call_ = 0;
    int repairs_ = 0;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<EngineSession> make_openai_chat_session(ChatRequest request,
                                                        const BridgeContext& context) {
    return std::make_unique<ChatSession>(std::move(request), context);
}

std::unique_ptr<EngineSession> make_openai_count_session(ChatRequest request,
                                                         const BridgeContext& context) {
    return std::make_unique<CountSession>(std::move(request), context);
}

}  // namespace segue::llm
