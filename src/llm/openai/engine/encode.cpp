#include "llm/openai/engine/encode.hpp"

#include <algorithm>

#include "base/result.hpp"
#include "base/text.hpp"
#include "llm/openai/engine/body.hpp"
#include "llm/openai/engine/messages.hpp"
#include "llm/openai/engine/thinking.hpp"

namespace segue::llm::openai_engine {
namespace {

/// Completions end after 16 tokens unless told (wire 2.4). Where the context's length is unknown,
/// more than any answer: an engine with less says so, and the session sends what it said.
constexpr std::int64_t kUnlimited = 32768;

std::int64_t unlimited(const Target& target) {
    return target.max_model_len ? std::max<std::int64_t>(*target.max_model_len - 1, 1) : kUnlimited;
}

void write_tools(const ChatRequest& request, Body& body) {
    // [] is a 400 there since 0.20, and so is a tool_choice without tools.
    if (request.tools.empty() || !body.wants("tools", Loss::kSemantic)) return;
    json::Writer& writer = body.writer();
    writer.key("tools").begin_array();
    for (const std::string& tool : request.tools)
        writer.raw(tool);
    writer.end_array();
    using Kind = ToolChoice::Kind;
    if (request.tool_choice.kind != Kind::kUnset && body.wants("tool_choice", Loss::kSemantic)) {
        switch (request.tool_choice.kind) {
            case Kind::kUnset: break;
            case Kind::kAuto: writer.member("tool_choice", "auto"); break;
            case Kind::kNone: writer.member("tool_choice", "none"); break;
            case Kind::kRequired: writer.member("tool_choice", "required"); break;
            case Kind::kNamed:
                writer.key("tool_choice").begin_object().member("type", "function");
                writer.key("function").begin_object().member("name", request.tool_choice.name);
                writer.end_object().end_object();
                break;
        }
    }
    if (request.parallel_tool_calls && body.wants("parallel_tool_calls", Loss::kSemantic))
        writer.member("parallel_tool_calls", *request.parallel_tool_calls);
}

}  // namespace

Outcome<std::string> encode_chat(const ChatRequest& request, const Target& target,
                                 std::optional<std::int64_t> max_tokens, Declarations& declared) {
    SEGUE_TRY(thinking, thinking_fields(request.think, target, request.model));
    Body body(target, declared);
    body.writer().key("messages");
    write_messages(request.messages, target, body.writer());
    body.begin(delivery_for(request.choices, request.extras, *target.profile));
    body.sampling(request.sampling, max_tokens, std::nullopt);
    if (request.choices > 1) body.writer().member("n", request.choices);
    write_tools(request, body);
    body.format(request.format);
    body.thinking(thinking, request.extras);
    if (request.logprobs && body.wants("logprobs", Loss::kSemantic)) {
        body.writer().member("logprobs", true);
        if (request.top_logprobs && body.wants("top_logprobs", Loss::kSemantic))
            body.writer().member("top_logprobs", *request.top_logprobs);
    }
    if (request.want_token_ids && body.wants("return_token_ids", Loss::kHint))
        body.writer().member("return_token_ids", true);
    body.extras(request.extras, request.want_token_ids);
    return body.finish();
}

Outcome<std::string> encode_tokenize(const ChatRequest& request, const Target& target) {
    SEGUE_TRY(thinking, thinking_fields(request.think, target, request.model));
    Declarations unused;  // the request itself declares
    Body body(target, unused);
    body.writer().key("messages");
    write_messages(request.messages, target, body.writer());
    if (!request.tools.empty()) {
        body.writer().key("tools").begin_array();
        for (const std::string& tool : request.tools)
            body.writer().raw(tool);
        body.writer().end_array();
    }
    ThinkingFields template_only;
    template_only.template_switch = thinking.template_switch;
    body.thinking(template_only, request.extras);
    return body.finish();
}

Outcome<std::string> encode_token_prompt(const ChatRequest& request,
                                         const std::vector<std::int64_t>& prompt,
                                         const Target& target, Declarations& declared) {
    Body body(target, declared);
    json::Writer& writer = body.writer();
    writer.key("prompt").begin_array();
    for (const std::int64_t token : prompt)
        writer.integer(token);
    writer.end_array();
    body.begin(delivery_for(request.choices, request.extras, *target.profile));
    body.sampling(request.sampling, std::nullopt, unlimited(target));
    body.format(request.format);
    if (request.logprobs) writer.member("logprobs", request.top_logprobs.value_or(0));
    if (body.wants("return_token_ids", Loss::kHint)) writer.member("return_token_ids", true);
    body.extras(request.extras, true);
    return body.finish();
}

Outcome<std::string> encode_completion(const CompletionRequest& request, const Target& target,
                                       Suffix suffix, std::optional<std::int64_t> max_tokens,
                                       Declarations& declared) {
    if (!request.images.empty())
        return refuse(Failure::Cause::kBadRequest,
                      "images are not supported with raw prompts by this engine", 400);
    const Profile& profile = *target.profile;
    const bool by_template = request.has_suffix && suffix == Suffix::kByTemplate;
    const auto filled = [&](const std::string& prompt) {
        if (!by_template) return prompt;
        // The prompt may hold the placeholders' text itself: the template is cut, not searched
        // twice.
        std::string out;
        std::string_view rest = profile.fim_template;
        while (!rest.empty()) {
            if (rest.starts_with("{prefix}")) {
                out += prompt;
                rest.remove_prefix(8);
            } else if (rest.starts_with("{suffix}")) {
                out += request.suffix;
                rest.remove_prefix(8);
            } else {
                out += rest.front();
                rest.remove_prefix(1);
            }
        }
        return out;
    };
    Body body(target, declared);
    json::Writer& writer = body.writer();
    writer.key("prompt");
    if (request.prompts.size() == 1) {
        writer.string(filled(request.prompts.front()));
    } else {
        writer.begin_array();
        for (const std::string& prompt : request.prompts)
            writer.string(filled(prompt));
        writer.end_array();
    }
    if (request.has_suffix && !by_template) writer.member("suffix", request.suffix);
    body.begin(delivery_for(request.choices, request.extras, profile));
    body.sampling(request.sampling, max_tokens, unlimited(target));
    if (request.choices > 1) writer.member("n", request.choices);
    if (request.echo) writer.member("echo", true);
    body.format(request.format);
    if (request.logprobs && body.wants("logprobs", Loss::kSemantic))
        writer.member("logprobs", request.top_logprobs.value_or(0));
    body.extras(request.extras, false);
    return body.finish();
}

std::string encode_embed(const EmbedRequest& request, const Target& target,
                         Declarations& declared) {
    Body body(target, declared);
    json::Writer& writer = body.writer();
    writer.key("input").begin_array();
    for (const std::string& input : request.inputs) {
        // An empty string is a 400 there; Ollama gives a vector.
        if (input.empty()) declared.adjust("input");
        writer.string(input.empty() ? std::string_view(" ") : input);
    }
    writer.end_array();
    writer.member("encoding_format", "float");
    // Never `dimensions`: most models refuse it; the front cuts and normalises (wire 3.14).
    if (request.truncate && body.wants("truncate_prompt_tokens", Loss::kSemantic))
        writer.member("truncate_prompt_tokens", -1);
    body.extras(request.extras, false);
    return body.finish();
}

}  // namespace segue::llm::openai_engine
