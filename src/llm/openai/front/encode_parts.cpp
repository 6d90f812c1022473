#include "llm/openai/front/encode_parts.hpp"

#include <algorithm>

#include "base/ids.hpp"

namespace segue::llm::openai {
namespace {

void write_bytes(json::Writer& writer, const TokenLogprob& token) {
    if (!token.bytes) {
        writer.member_null("bytes");
        return;
    }
    writer.key("bytes").begin_array();
    for (const std::uint8_t byte : *token.bytes)
        writer.integer(byte);
    writer.end_array();
}

}  // namespace

AnswerHead::AnswerHead(std::string_view id_prefix, std::string_view object, std::string model)
    : id_(std::string(id_prefix) + random_alphanumeric(24)),
      object_(object),
      model_(std::move(model)) {
}

void AnswerHead::write(json::Writer& writer, const Timings& timings) {
    if (created_ < 0) created_ = unix_seconds(timings.now.wall);
    writer.member("id", id_)
        .member("object", object_)
        .member("created", created_)
        .member("model", model_);
}

void write_usage(json::Writer& writer, const Usage& usage) {
    const std::int64_t prompt = usage.prompt_tokens.value_or(0);
    const std::int64_t completion = usage.completion_tokens.value_or(0);
    writer.begin_object();
    writer.member("prompt_tokens", prompt).member("completion_tokens", completion);
    writer.member("total_tokens", prompt + completion);
    if (usage.cached_tokens)
        writer.key("prompt_tokens_details")
            .begin_object()
            .member("cached_tokens", *usage.cached_tokens)
            .end_object();
    if (usage.reasoning_tokens) {
        writer.key("completion_tokens_details").begin_object();
        writer.member("reasoning_tokens", *usage.reasoning_tokens).end_object();
    }
    writer.end_object();
}

void write_chat_logprobs(json::Writer& writer, const std::vector<TokenLogprob>& tokens) {
    writer.begin_object().key("content").begin_array();
    for (const TokenLogprob& token : tokens) {
        writer.begin_object().member("token", token.token).member("logprob", token.logprob);
        write_bytes(writer, token);
        writer.key("top_logprobs").begin_array();
        for (const TokenLogprob& top : token.top) {
            writer.begin_object().member("token", top.token).member("logprob", top.logprob);
            write_bytes(writer, top);
            writer.end_object();
        }
        writer.end_array().end_object();
    }
    writer.end_array().end_object();
}

void write_completion_logprobs(json::Writer& writer, const std::vector<TokenLogprob>& tokens,
                               std::size_t& offset) {
    writer.begin_object().key("text_offset").begin_array();
    for (const TokenLogprob& token : tokens) {
        writer.integer(static_cast<std::int64_t>(offset));
        offset += code_points(token.token);
    }
    writer.end_array().key("token_logprobs").begin_array();
    for (const TokenLogprob& token : tokens)
        writer.number(token.logprob);
    writer.end_array().key("tokens").begin_array();
    for (const TokenLogprob& token : tokens)
        writer.string(token.token);
    writer.end_array().key("top_logprobs").begin_array();
    for (const TokenLogprob& token : tokens) {
        writer.begin_object();
        for (const TokenLogprob& top : token.top)
            writer.member(top.token, top.logprob);
        writer.end_object();
    }
    writer.end_array().end_object();
}

std::string_view finish_reason_name(FinishReason reason, bool calls_seen) {
    if (calls_seen) return "tool_calls";
    switch (reason) {
        case FinishReason::kLength: return "length";
        case FinishReason::kToolCalls: return "tool_calls";
        case FinishReason::kStop:
        case FinishReason::kLoad:
        case FinishReason::kUnload: return "stop";
    }
    return "stop";
}

void append_sse(std::string& out, std::string_view json) {
    out += "data: ";
    out += json;
    out += "\n\n";
}

void append_sse_end(AnswerHead& head, const Usage* usage, const Timings& timings,
                    std::string& out) {
    if (usage) {
        std::string line;
        json::Writer writer(line);
        writer.begin_object();
        head.write(writer, timings);
        writer.key("choices").begin_array().end_array();
        write_usage(writer.key("usage"), *usage);
        writer.end_object();
        append_sse(out, line);
    }
    out += "data: [DONE]\n\n";
}

std::size_t code_points(std::string_view utf8) {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins));
}

}  // namespace segue::llm::openai
