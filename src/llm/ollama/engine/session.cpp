#include "llm/ollama/engine/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "base/result.hpp"
#include "base/text.hpp"
#include "llm/ollama/engine/decode_stream.hpp"
#include "llm/ollama/engine/encode.hpp"
#include "llm/ollama/engine/errors.hpp"
#include "llm/ollama/engine/forced_call.hpp"

namespace segue::llm {
namespace {

using ollama::StreamDecoder;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

constexpr std::string_view kLogprobs = "logprobs";

/// What an older engine's 400 teaches. Remembered, so that the next request is right at once
/// (wire 5.3); true when the same request, written anew, may be accepted now.
bool learn_from_refusal(const std::string& message, const Think& think, const Target& target) {
    EngineTraits& traits = *target.traits;
    if (contains(message, "does not support thinking")) {
        traits.refuse_field(ollama::no_think_trait(target));
        return think.mode != Think::Mode::kUnset;
    }
    const bool about_think =
        contains(message, "invalid think value") || contains(message, ".think of type");
    if (about_think && think.mode == Think::Mode::kLevel) {
        // Before 0.22 the text names the levels it knows, without "max"; before 0.11 no level is
        // known at all.
        if (think.level == "max" && contains(message, "\"high\"") && !traits.no_max_think)
            traits.no_max_think = true;
        else
            traits.boolean_think_only = true;
        return true;
    }
    if (contains(message, "cannot unmarshal array") && contains(message, "type of type")) {
        traits.refuse_field(ollama::kNoTypeArrays);
        return true;
    }
    return false;
}

/// Chat and generate: one streaming call for each choice.
class GeneratingSession : public EngineSession {
public:
    /// `group` of calls share one prompt, whose tokens count once.
    struct Slot {
        std::uint32_t choice = 0;
        std::size_t group = 0;
        std::unique_ptr<StreamDecoder> decoder;
        std::optional<ollama::ForcedCall> forced;
        Usage usage;
        int repairs = 0;
        bool ended = false;
    };

    Outcome<std::vector<EngineCall>> start() override {
        std::vector<EngineCall> calls;
        if (wants_logprobs() && target_.traits->refuses(kLogprobs)) declare_no_logprobs();
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            // What is declared is the same for every call.
            Declarations again;
            SEGUE_TRY(body, encode(slots_[i], i == 0 ? declared_ : again));
            calls.push_back(call_for(i, std::move(body)));
        }
        return calls;
    }

    Outcome<std::vector<EngineCall>> on_answer(std::uint32_t call, EngineAnswer answer,
                                               Events& events) override {
        const auto found = calls_.find(call);
        if (found == calls_.end() || over_) return std::vector<EngineCall>{};
        const std::size_t index = found->second;
        if (answer.status >= 200 && answer.status < 300) {
            on_bytes(call, answer.body, events);
            on_end(call, events);
            return std::vector<EngineCall>{};
        }
        Slot& slot = slots_[index];
        // Each thing to be learned is learned once; three are known.
        if (answer.status == 400 && slot.repairs < 3 &&
            learn_from_refusal(ollama::read_error(answer.body).message, think(), target_)) {
            ++slot.repairs;
            Declarations again;
            SEGUE_TRY(body, encode(slot, again));
            std::vector<EngineCall> retry;
            retry.push_back(call_for(index, std::move(body)));
            calls_.erase(call);
            return retry;
        }
        over_ = true;
        return tl::unexpected<Failure>(ollama::answer_failure(answer, target_, client_model_));
    }

    void on_bytes(std::uint32_t call, std::string_view bytes, Events& events) override {
        decode(call, events,
               [&](StreamDecoder& decoder, Events& own) { decoder.feed(bytes, own); });
    }

    void on_end(std::uint32_t call, Events& events) override {
        decode(call, events, [](StreamDecoder& decoder, Events& own) { decoder.end(own); });
    }

    const Declarations& declarations() const override { return declared_; }

protected:
    GeneratingSession(std::string client_model, const BridgeContext& context, std::string path)
        : target_(context.target),
          client_model_(client_model.empty() ? context.target.served_model
                                             : std::move(client_model)),
          max_line_bytes_(context.policy.max_line_bytes),
          path_(std::move(path)) {}

    Slot& add_slot(std::size_t group, std::size_t message_position) {
        Slot slot;
        slot.choice = static_cast<std::uint32_t>(slots_.size());
        slot.group = group;
        slot.decoder = std::make_unique<StreamDecoder>(ollama::DecoderOptions{
            target_, client_model_, slot.choice, message_position, max_line_bytes_});
        return slots_.emplace_back(std::move(slot));
    }

    virtual Outcome<std::string> encode(const Slot& slot, Declarations& declared) const = 0;
    virtual Think think() const { return {}; }
    virtual bool wants_logprobs() const = 0;

    Target target_;

private:
    EngineCall call_for(std::size_t slot, std::string body) {
        EngineCall call;
        call.id = next_call_++;
        call.path = path_;
        call.body = std::move(body);
        call.answer = EngineCall::Answer::kStream;
        calls_[call.id] = slot;
        return call;
    }

    /// They are asked for all the same: the engine may have been replaced by a newer one.
    void declare_no_logprobs() {
        logprobs_declared_ = true;
        declared_.ignore(kLogprobs, Loss::kHint);
    }

    template <class Feed>
    void decode(std::uint32_t call, Events& events, Feed&& feed) {
        const auto found = calls_.find(call);
        if (found == calls_.end() || over_) return;
        Slot& slot = slots_[found->second];
        Events own;
        feed(*slot.decoder, own);
        if (slot.forced) {
            Events called;
            slot.forced->apply(std::move(own), called);
            own = std::move(called);
        }
        if (wants_logprobs() && !logprobs_declared_ && slot.decoder->text_without_logprobs()) {
            target_.traits->refuse_field(kLogprobs);
            declare_no_logprobs();
        }
        for (Event& event : own) {
            if (over_) return;
            take(slot, std::move(event), events);
        }
    }

    /// Events of one call become events of the whole answer: counts are summed, and only the last
    /// end is the end.
    void take(Slot& slot, Event event, Events& events) {
        if (std::holds_alternative<Started>(event)) {
            if (std::exchange(started_, true)) return;
        } else if (const auto* usage = std::get_if<Usage>(&event)) {
            slot.usage.update(*usage);
            event = total_usage();
        } else if (std::holds_alternative<Ended>(event)) {
            slot.ended = true;
            if (!std::all_of(slots_.begin(), slots_.end(),
                             [](const Slot& each) { return each.ended; }))
                return;
            over_ = true;
        } else if (std::holds_alternative<Failed>(event)) {
            over_ = true;
        }
        events.push_back(std::move(event));
    }

    Usage total_usage() const {
        std::map<std::size_t, std::int64_t> prompts;
        Usage total;
        total.prompt_tokens = 0;
        total.completion_tokens = 0;
        for (const Slot& slot : slots_) {
            // A copy whose prompt was cached may count 0 tokens: the largest count of the group is
            // the true one.
            std::int64_t& prompt = prompts[slot.group];
            prompt = std::max(prompt, slot.usage.prompt_tokens.value_or(0));
            *total.completion_tokens += slot.usage.completion_tokens.value_or(0);
        }
        for (const auto& [group, tokens] : prompts)
            *total.prompt_tokens += tokens;
        return total;
    }

    std::string client_model_;
    std::size_t max_line_bytes_;
    std::string path_;
    std::vector<Slot> slots_;
    std::map<std::uint32_t, std::size_t> calls_;  // id of a call -> its slot
    std::uint32_t next_call_ = 1;
    Declarations declared_;
    bool started_ = false;
    bool logprobs_declared_ = false;
    bool over_ = false;  // Ended or Failed was said
};

class ChatSession final : public GeneratingSession {
public:
    ChatSession(ChatRequest request, const BridgeContext& context)
        : GeneratingSession(request.model, context, "/api/chat"), request_(std::move(request)) {
        for (std::int64_t i = 0; i < std::max<std::int64_t>(request_.choices, 1); ++i) {
            Slot& slot = add_slot(0, request_.messages.size());
            if (ollama::forces_call(request_))
                slot.forced.emplace(request_, target_, slot.choice, request_.messages.size());
        }
    }

protected:
    Outcome<std::string> encode(const Slot& slot, Declarations& declared) const override {
        if (slot.choice == 0 || !request_.sampling.seed)
            return ollama::encode_chat(request_, target_, declared);
        // The same seed would give the same answer n times.
        ChatRequest copy = request_;
        *copy.sampling.seed += slot.choice;
        return ollama::encode_chat(copy, target_, declared);
    }
    Think think() const override { return request_.think; }
    bool wants_logprobs() const override { return request_.logprobs; }

private:
    ChatRequest request_;
};

class CompletionSession final : public GeneratingSession {
public:
    CompletionSession(CompletionRequest request, const BridgeContext& context)
        : GeneratingSession(request.model, context, "/api/generate"), request_(std::move(request)) {
        copies_ = static_cast<std::size_t>(std::max<std::int64_t>(request_.choices, 1));
        if (request_.prompts.empty()) request_.prompts.emplace_back();
        for (std::size_t prompt = 0; prompt < request_.prompts.size(); ++prompt)
            for (std::size_t copy = 0; copy < copies_; ++copy)
                add_slot(prompt, 0);
    }

protected:
    Outcome<std::string> encode(const Slot& slot, Declarations& declared) const override {
        const std::string& prompt = request_.prompts[slot.group];
        const std::size_t copy = slot.choice % copies_;
        if (copy == 0 || !request_.sampling.seed)
            return ollama::encode_generate(request_, prompt, target_, declared);
        CompletionRequest changed = request_;
        *changed.sampling.seed += static_cast<std::int64_t>(copy);
        return ollama::encode_generate(changed, prompt, target_, declared);
    }
    bool wants_logprobs() const override { return request_.logprobs; }

private:
    CompletionRequest request_;
    std::size_t copies_ = 1;
};

}  // namespace

std::unique_ptr<EngineSession> make_ollama_chat_session(ChatRequest request,
                                                        const BridgeContext& context) {
    return std::make_unique<ChatSession>(std::move(request), context);
}

std::unique_ptr<EngineSession> make_ollama_completion_session(CompletionRequest request,
                                                              const BridgeContext& context) {
    return std::make_unique<CompletionSession>(std::move(request), context);
}

}  // namespace segue::llm
