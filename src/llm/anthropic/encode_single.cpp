#include "base/ids.hpp"
#include "base/text.hpp"
#include "llm/anthropic/encode.hpp"
#include "llm/anthropic/encode_parts.hpp"

namespace segue::llm {
namespace anthropic {

std::string made_message_id() {
    return "msg_" + random_alphanumeric(24);
}

std::string made_tool_use_id() {
    return "toolu_" + random_alphanumeric(24);
}

std::string made_signature() {
    return random_hex(32);
}

void write_usage(json::Writer& writer, const Usage& usage) {
    writer.begin_object()
        .member("input_tokens", usage.prompt_tokens.value_or(0))
        .member("output_tokens", usage.completion_tokens.value_or(0));
    if (usage.cached_tokens) writer.member("cache_read_input_tokens", *usage.cached_tokens);
    writer.end_object();
}

Stop stop_of(const std::optional<Finished>& finished, bool calls_seen) {
    if (finished && finished->reason == FinishReason::kLength) return {"max_tokens", {}};
    if (calls_seen) return {"tool_use", {}};
    if (finished && !finished->stop_sequence.empty())
        return {"stop_sequence", finished->stop_sequence};
    return {};
}

void write_stop(json::Writer& writer, const Stop& stop) {
    writer.member("stop_reason", stop.reason);
    if (stop.sequence.empty())
        writer.member_null("stop_sequence");
    else
        writer.member("stop_sequence", stop.sequence);
}

bool only_space(std::string_view text) {
    return trim(text).empty();
}

}  // namespace anthropic

namespace {

using json::Writer;

class MessageEncoder final : public ResponseEncoder {
public:
    explicit MessageEncoder(std::string model) : model_(std::move(model)) {}

    bool streaming() const override { return false; }
    std::string_view content_type() const override { return "application/json"; }

    std::optional<Failure> encode(const Events& events, const Timings& /*timings*/,
                                  std::string& out) override {
        for (const Event& event : events)
            answer_.add(event);
        return answer_.ended ? write(out) : std::nullopt;
    }

private:
    std::optional<Failure> write(std::string& out) const {
        const Answer::Choice& choice = answer_.first();
        std::optional<Failure> failure;
        Writer writer(out);
        writer.begin_object()
            .member("id", anthropic::made_message_id())
            .member("type", "message")
            .member("role", "assistant")
            .member("model", model_)
            .key("content")
            .begin_array();
        if (!choice.reasoning.empty())
            writer.begin_object()
                .member("type", "thinking")
                .member("thinking", choice.reasoning)
                .member("signature", anthropic::made_signature())
                .end_object();
        if (!anthropic::only_space(choice.text))
            writer.begin_object().member("type", "text").member("text", choice.text).end_object();
        for (const ToolCall& call : choice.tool_calls)
            if (!write_call(call, choice, writer))
                failure = Failure{Failure::Cause::kBroken,
                                  "the model's tool call arguments are not a JSON object"};
        writer.end_array();
        anthropic::write_stop(writer,
                              anthropic::stop_of(choice.finished, !choice.tool_calls.empty()));
        anthropic::write_usage(writer.key("usage"), answer_.usage);
        if (!answer_.sources.empty()) writer.member_raw("sources", answer_.sources);
        writer.end_object();
        return failure;
    }

    /// False for arguments that are no object. Cut by the length limit they never are: the client
    /// is told by the stop reason.
    static bool write_call(const ToolCall& call, const Answer::Choice& choice, Writer& writer) {
        const auto input = normalize_arguments(call.arguments);
        const bool cut = choice.finished && choice.finished->reason == FinishReason::kLength;
        writer.begin_object()
            .member("type", "tool_use")
            .member("id", call.id.empty() ? anthropic::made_tool_use_id() : call.id)
            .member("name", call.name)
            .member_raw("input", input ? std::string_view(*input) : "{}")
            .end_object();
        return input || cut;
    }

    std::string model_;
    Answer answer_;
};

class CountEncoder final : public ResponseEncoder {
public:
    bool streaming() const override { return false; }
    std::string_view content_type() const override { return "application/json"; }

    std::optional<Failure> encode(const Events& events, const Timings& /*timings*/,
                                  std::string& out) override {
        for (const Event& event : events)
            answer_.add(event);
        if (answer_.ended)
            out += json::object([&](Writer& writer) {
                writer.member("input_tokens", answer_.usage.prompt_tokens.value_or(0));
            });
        return std::nullopt;
    }

private:
    Answer answer_;
};

}  // namespace

std::unique_ptr<ResponseEncoder> make_anthropic_encoder(std::string model) {
    return std::make_unique<MessageEncoder>(std::move(model));
}

std::unique_ptr<ResponseEncoder> make_anthropic_count_encoder() {
    return std::make_unique<CountEncoder>();
}

}  // namespace segue::llm
