#include <map>
#include <set>

#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/openai/front/encode_parts.hpp"

namespace segue::llm {
namespace {

using json::Writer;

class ChatStreamEncoder final : public ResponseEncoder {
public:
    explicit ChatStreamEncoder(OpenAiAnswerOptions options)
        : options_(std::move(options)),
          head_("chatcmpl-", "chat.completion.chunk", options_.model) {}

    bool streaming() const override { return true; }
    std::string_view content_type() const override { return openai::kSseType; }
    bool may_begin_with_keep_alive() const override { return true; }
    void keep_alive(std::string& out) override { out += openai::kSseKeepAlive; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            one(event, timings, out);
        return std::nullopt;
    }

private:
    struct Choice {
        std::vector<TokenLogprob> logprobs;  // for the delta that comes next
        std::set<std::uint32_t> begun;       // tool calls that had their first fragment
    };

    void one(const Event& event, const Timings& timings, std::string& out) {
        std::visit(
            overloaded{
                [](const Started&) {},
                [&](const Text& text) {
                    delta(text.choice, timings, out,
                          [&](Writer& writer) { writer.member("content", text.text); });
                },
                [&](const Reasoning& reasoning) {
                    delta(reasoning.choice, timings, out, [&](Writer& writer) {
                        writer.member("reasoning", reasoning.text);
                        if (options_.both_reasoning_fields)
                            writer.member("reasoning_content", reasoning.text);
                    });
                },
                [&](const ToolCallDelta& call) { tool_call(call, timings, out); },
                [&](const Logprobs& logprobs) {
                    auto& waiting = choices_[logprobs.choice].logprobs;
                    waiting.insert(waiting.end(), logprobs.tokens.begin(), logprobs.tokens.end());
                },
                [&](const Usage& usage) { usage_.update(usage); },
                [](const TokenIds&) {},
                [](const Vectors&) {},
                [&](const Sources& sources) { sources_[sources.choice] = sources.json; },
                [&](const Finished& finished) {
                    const Choice& choice = begin(finished.choice, timings, out);
                    const bool called = !choice.begun.empty();
                    chunk(finished.choice, timings, out,
                          openai::finish_reason_name(finished.reason, called), [](Writer&) {});
                },
                [&](const Ended&) {
                    openai::append_sse_end(head_, options_.include_usage ? &usage_ : nullptr,
                                           timings, out);
                },
                [](const Failed&) {},
            },
            event);
    }

    /// The choice; its role chunk is written when it is new: clients that sum deltas want the role
    /// once and first (wire 4.3).
    Choice& begin(std::uint32_t index, const Timings& timings, std::string& out) {
        if (!begun_.insert(index).second) return choices_[index];
        Choice& choice = choices_[index];
        const auto waiting = std::exchange(choice.logprobs, {});
        chunk(index, timings, out, {},
              [](Writer& writer) { writer.member("role", "assistant").member("content", ""); });
        choice.logprobs = waiting;
        return choice;
    }

    template <class Fill>
    void delta(std::uint32_t index, const Timings& timings, std::string& out, Fill&& fill) {
        begin(index, timings, out);
        chunk(index, timings, out, {}, fill);
    }

    /// `arguments` is there in the first fragment even when it is empty: openai-node wants it at
    /// least once (wire 4.3).
    void tool_call(const ToolCallDelta& call, const Timings& timings, std::string& out) {
        const bool first = begin(call.choice, timings, out).begun.insert(call.index).second;
        chunk(call.choice, timings, out, {}, [&](Writer& writer) {
            writer.key("tool_calls").begin_array().begin_object().member("index", call.index);
            if (!call.id.empty()) writer.member("id", call.id);
            if (first) writer.member("type", "function");
            writer.key("function").begin_object();
            if (!call.name.empty()) writer.member("name", call.name);
            if (first || !call.arguments.empty()) writer.member("arguments", call.arguments);
            writer.end_object().end_object().end_array();
        });
    }

    template <class Fill>
    void chunk(std::uint32_t index, const Timings& timings, std::string& out,
               std::string_view finish, Fill&& fill) {
        line_.clear();
        Writer writer(line_);
        writer.begin_object();
        head_.write(writer, timings);
        writer.key("choices")
            .begin_array()
            .begin_object()
            .member("index", index)
            .key("delta")
            .begin_object();
        fill(writer);
        writer.end_object();
        auto& waiting = choices_[index].logprobs;
        if (!waiting.empty()) {
            openai::write_chat_logprobs(writer.key("logprobs"), waiting);
            waiting.clear();
        } else if (options_.logprobs) {
            writer.member_null("logprobs");
        }
        finish.empty() ? writer.member_null("finish_reason")
                       : writer.member("finish_reason", finish);
        writer.end_object().end_array();
        if (const auto sources = sources_.find(index); !finish.empty() && sources != sources_.end())
            writer.member_raw("sources", sources->second);
        writer.end_object();
        openai::append_sse(out, line_);
    }

    OpenAiAnswerOptions options_;
    openai::AnswerHead head_;
    std::map<std::uint32_t, Choice> choices_;
    std::set<std::uint32_t> begun_;
    std::map<std::uint32_t, std::string> sources_;
    Usage usage_;
    std::string line_;  // reused
};

class ChatEncoder final : public ResponseEncoder {
public:
    explicit ChatEncoder(OpenAiAnswerOptions options)
        : options_(std::move(options)), head_("chatcmpl-", "chat.completion", options_.model) {}

    bool streaming() const override { return false; }
    std::string_view content_type() const override { return "application/json"; }

    std::optional<Failure> encode(const Events& events, const Timings& timings,
                                  std::string& out) override {
        for (const Event& event : events)
            answer_.add(event);
        if (answer_.ended) write(timings, out);
        return std::nullopt;
    }

private:
    void write(const Timings& timings, std::string& out) {
        if (answer_.choices.empty()) answer_.choices.emplace_back();
        Writer writer(out);
        writer.begin_object();
        head_.write(writer, timings);
        writer.key("choices").begin_array();
        for (std::size_t i = 0; i < answer_.choices.size(); ++i)
            write_choice(i, answer_.choices[i], writer);
        writer.end_array();
        openai::write_usage(writer.key("usage"), answer_.usage);
        if (!answer_.sources.empty()) writer.member_raw("sources", answer_.sources);
        writer.end_object();
    }

    void write_choice(std::size_t index, const Answer::Choice& choice, Writer& writer) const {
        writer.begin_object()
            .member("index", index)
            .key("message")
            .begin_object()
            .member("role", "assistant");
        // As OpenAI does: a message that only calls tools has no content.
        if (choice.text.empty() && !choice.tool_calls.empty())
            writer.member_null("content");
        else
            writer.member("content", choice.text);
        writer.member_null("refusal");
        if (!choice.reasoning.empty()) {
            writer.member("reasoning", choice.reasoning);
            if (options_.both_reasoning_fields)
                writer.member("reasoning_content", choice.reasoning);
        }
        if (!choice.tool_calls.empty()) write_calls(choice.tool_calls, writer);
        writer.end_object();
        if (choice.logprobs.empty())
            writer.member_null("logprobs");
        else
            openai::write_chat_logprobs(writer.key("logprobs"), choice.logprobs);
        const FinishReason reason = choice.finished ? choice.finished->reason : FinishReason::kStop;
        writer.member("finish_reason",
                      openai::finish_reason_name(reason, !choice.tool_calls.empty()));
        writer.end_object();
    }

    static void write_calls(const std::vector<ToolCall>& calls, Writer& writer) {
        writer.key("tool_calls").begin_array();
        for (const ToolCall& call : calls) {
            writer.begin_object()
                .member("id", call.id)
                .member("type", "function")
                .key("function")
                .begin_object();
            // This dialect's arguments are text: what is no JSON (cut by length) is passed on as
            // the model wrote it.
            const auto arguments = normalize_arguments(call.arguments);
            writer.member("name", call.name)
                .member("arguments", arguments ? *arguments : call.arguments);
            writer.end_object().end_object();
        }
        writer.end_array();
    }

    OpenAiAnswerOptions options_;
    openai::AnswerHead head_;
    Answer answer_;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_openai_chat_stream_encoder(OpenAiAnswerOptions options) {
    return std::make_unique<ChatStreamEncoder>(std::move(options));
}

std::unique_ptr<ResponseEncoder> make_openai_chat_encoder(OpenAiAnswerOptions options) {
    return std::make_unique<ChatEncoder>(std::move(options));
}

}  // namespace segue::llm
