#include "llm/ollama/engine/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json.hpp"
#include "base/result.hpp"
#include "llm/ollama/engine/extras.hpp"
#include "llm/ollama/engine/forced_call.hpp"
#include "llm/ollama/engine/tools.hpp"
#include "llm/session.hpp"

namespace segue::llm::ollama {
namespace {

using Cause = Failure::Cause;

tl::unexpected<Failure> bad_request(std::string message, std::string param) {
    Failure failure{Cause::kBadRequest, std::move(message), 400};
    failure.param = std::move(param);
    return tl::unexpected<Failure>(std::move(failure));
}

template <class T>
void optional_member(json::Writer& writer, std::string_view name, const std::optional<T>& value) {
    if (value) writer.member(name, *value);
}

/// num_ctx is never absent by accident: without it an engine may fall back to 4096 tokens and cut
/// the prompt in silence (wire 1.7, 3.12). What the model's profile says is sent when the client
/// says nothing.
std::string options_of(const Sampling& sampling, const std::vector<Extra>& extras,
                       const Target& target) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object();
    std::optional<std::int64_t> num_ctx = sampling.num_ctx;
    const bool given = std::any_of(extras.begin(), extras.end(),
                                   [](const Extra& extra) { return extra.name == "num_ctx"; });
    if (!num_ctx && !given && target.profile) num_ctx = target.profile->parameters.num_ctx;
    optional_member(writer, "num_ctx", num_ctx);
    optional_member(writer, "temperature", sampling.temperature);
    optional_member(writer, "top_p", sampling.top_p);
    optional_member(writer, "top_k", sampling.top_k);
    optional_member(writer, "min_p", sampling.min_p);
    optional_member(writer, "typical_p", sampling.typical_p);
    optional_member(writer, "presence_penalty", sampling.presence_penalty);
    optional_member(writer, "frequency_penalty", sampling.frequency_penalty);
    optional_member(writer, "repeat_penalty", sampling.repeat_penalty);
    optional_member(writer, "repeat_last_n", sampling.repeat_last_n);
    optional_member(writer, "seed", sampling.seed);
    optional_member(writer, "num_predict", sampling.max_tokens);
    if (sampling.stop && !sampling.stop->empty()) {
        writer.key("stop").begin_array();
        for (const std::string& stop : *sampling.stop)
            writer.string(stop);
        writer.end_array();
    }
    write_option_extras(extras, writer);
    writer.end_object();
    return out;
}

void write_format(const ResponseFormat& format, json::Writer& writer) {
    switch (format.kind) {
        case ResponseFormat::Kind::kNone: return;
        case ResponseFormat::Kind::kJsonObject: writer.member("format", "json"); return;
        case ResponseFormat::Kind::kJsonSchema: writer.member_raw("format", format.schema); return;
    }
}

void write_common(const Sampling& sampling, const std::vector<Extra>& extras,
                  const std::string& keep_alive, const Target& target, json::Writer& writer) {
    const std::string options = options_of(sampling, extras, target);
    if (options != "{}") writer.member_raw("options", options);
    if (!keep_alive.empty()) writer.member_raw("keep_alive", keep_alive);
    write_top_level_extras(extras, writer);
}

void write_logprobs(bool wanted, const std::optional<std::int64_t>& top, json::Writer& writer) {
    if (!wanted) return;
    writer.member("logprobs", true);
    if (top && *top > 0) writer.member("top_logprobs", *top);
}

/// Without capability `thinking` the switch is left out: before 0.12.5 even `think:false` was a 400
/// there (wire 5.3).
void write_think(const Think& think, const Target& target, json::Writer& writer) {
    if (think.mode == Think::Mode::kUnset) return;
    if (!target.capabilities.empty() && !target.has_capability("thinking")) return;
    if (target.traits->refuses(no_think_trait(target))) return;
    if (think.mode != Think::Mode::kLevel || target.traits->boolean_think_only) {
        writer.member("think", think.mode != Think::Mode::kOff);
        return;
    }
    const bool too_high = think.level == "max" && target.traits->no_max_think;
    writer.member("think", too_high ? std::string("high") : think.level);
}

Outcome<std::vector<std::string_view>> images_of(const std::vector<Part>& parts,
                                                 const Target& target, const std::string& where) {
    std::vector<std::string_view> images;
    for (const Part& part : parts) {
        if (const auto* image = std::get_if<ImagePart>(&part)) {
            if (!image->url.empty())
                return bad_request(
                    "image URLs are not supported by this engine; send the image as base64 data",
                    where);
            images.push_back(image->base64);
        } else if (const auto* audio = std::get_if<AudioPart>(&part)) {
            // Ollama takes sound in the list of images, from 0.20 on and only for models made for
            // it (wire 5.3).
            if (!target.capabilities.empty() && !target.has_capability("audio"))
                return bad_request("this model does not take audio input", where);
            images.push_back(audio->base64);
        }
    }
    return images;
}

void write_images(const std::vector<std::string_view>& images, json::Writer& writer) {
    if (images.empty()) return;
    writer.key("images").begin_array();
    for (const std::string_view image : images)
        writer.string(image);
    writer.end_array();
}

std::optional<Failure> write_tool_calls(const Message& message, std::size_t position,
                                        const Target& target,
                                        std::map<std::string, std::string>& names,
                                        json::Writer& writer) {
    writer.key("tool_calls").begin_array();
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
        const ToolCall& call = message.tool_calls[i];
        const auto arguments = normalize_arguments(call.arguments);
        if (!arguments)
            return bad_request(
                       "invalid tool call arguments: not a JSON object",
                       fmt::format("messages[{}].tool_calls[{}].function.arguments", position, i))
                .value();
        const std::string id = !call.id.empty() ? call.id
                                                : made_tool_call_id(position, call.name, *arguments,
                                                                    target.profile->mistral_ids);
        names[id] = call.name;
        writer.begin_object().member("id", id).key("function").begin_object();
        writer.member("index", i).member("name", call.name).member_raw("arguments", *arguments);
        writer.end_object().end_object();
    }
    writer.end_array();
    return std::nullopt;
}

std::optional<Failure> write_messages(const ChatRequest& request, const Target& target,
                                      json::Writer& writer) {
    std::map<std::string, std::string>
        names;  // id of a call -> its tool; Ollama's templates know results by name only
    writer.key("messages").begin_array();
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
        const Message& message = request.messages[i];
        auto images = images_of(message.parts, target, fmt::format("messages[{}].content", i));
        if (!images) return images.error();
        writer.begin_object().member("role", message.role).member("content", message.text());
        if (!message.reasoning.empty()) writer.member("thinking", message.reasoning);
        write_images(*images, writer);
        if (!message.tool_calls.empty())
            if (auto failure = write_tool_calls(message, i, target, names, writer)) return failure;
        if (message.role == "tool") {
            std::string name = message.tool_name;
            if (const auto known = names.find(message.tool_call_id);
                name.empty() && known != names.end())
                name = known->second;
            if (!name.empty()) writer.member("tool_name", name);
            if (!message.tool_call_id.empty()) writer.member("tool_call_id", message.tool_call_id);
        }
        writer.end_object();
    }
    writer.end_array();
    return std::nullopt;
}

}  // namespace

std::string no_think_trait(const Target& target) {
    return "think:" + target.served_model;
}

Outcome<std::string> encode_chat(const ChatRequest& request, const Target& target,
                                 Declarations& declared) {
    const bool has_tools =
        !request.tools.empty() && request.tool_choice.kind != ToolChoice::Kind::kNone;
    // A forced call is the whole answer: what else `format` was to say does not matter then.
    ResponseFormat format = request.format;
    if (forces_call(request)) {
        SEGUE_TRY(schema, forced_call_schema(request));
        format = {ResponseFormat::Kind::kJsonSchema, std::move(schema), {}};
    }

    std::string body;
    json::Writer writer(body);
    writer.begin_object().member("model", target.served_model);
    if (auto failure = write_messages(request, target, writer))
        return tl::unexpected<Failure>(*std::move(failure));
    if (has_tools) {
        writer.key("tools").begin_array();
        for (const std::string& tool : request.tools)
            writer.raw(target.traits->refuses(kNoTypeArrays) ? single_types(tool) : tool);
        writer.end_array();
    }
    writer.member("stream", true);
    write_format(format, writer);
    write_think(request.think, target, writer);
    write_logprobs(request.logprobs, request.top_logprobs, writer);
    if (request.truncate) writer.member("truncate", *request.truncate);
    write_common(request.sampling, request.extras, request.keep_alive, target, writer);
    writer.end_object();

    if (request.parallel_tool_calls == false && has_tools)
        declared.ignore("parallel_tool_calls", Loss::kHint);
    if (request.think.wanted() && request.think.budget_tokens)
        declared.ignore("budget_tokens", Loss::kHint);
    declare_extras(request.extras, declared);
    return body;
}

Outcome<std::string> encode_generate(const CompletionRequest& request, const std::string& prompt,
                                     const Target& target, Declarations& declared) {
    SEGUE_TRY(images, images_of(request.images, target, "images"));
    std::string body;
    json::Writer writer(body);
    writer.begin_object().member("model", target.served_model).member("prompt", prompt);
    // The template makes the fill-in-the-middle prompt, so a suffix cannot go together with raw
    // (wire 3.12).
    if (request.has_suffix && !request.suffix.empty())
        writer.member("suffix", request.suffix);
    else
        writer.member("raw", true);
    writer.member("stream", true);
    write_images(images, writer);
    write_format(request.format, writer);
    write_logprobs(request.logprobs, request.top_logprobs, writer);
    write_common(request.sampling, request.extras, request.keep_alive, target, writer);
    writer.end_object();
    declare_extras(request.extras, declared);
    return body;
}

Outcome<std::string> encode_embed(const EmbedRequest& request, const Target& target,
                                  Declarations& declared) {
    std::string body;
    json::Writer writer(body);
    writer.begin_object().member("model", target.served_model).key("input").begin_array();
    for (const std::string& input : request.inputs)
        writer.string(input);
    writer.end_array().member("truncate", request.truncate);
    optional_member(writer, "dimensions", request.dimensions);
    write_common(Sampling{}, request.extras, request.keep_alive, target, writer);
    writer.end_object();
    declare_extras(request.extras, declared);
    return body;
}

}  // namespace segue::llm::ollama
