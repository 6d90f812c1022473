#include "llm/ollama/front/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/text.hpp"
#include "llm/collection_name.hpp"
#include "llm/ollama/front/decode_message.hpp"
#include "llm/ollama/front/go_fields.hpp"
#include "llm/ollama/front/go_json.hpp"
#include "llm/ollama/front/names.hpp"
#include "llm/ollama/front/options.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;
using Weight = GoErrors::Weight;

std::string_view struct_name(OllamaEndpoint endpoint) {
    switch (endpoint) {
        case OllamaEndpoint::kChat: return "ChatRequest";
        case OllamaEndpoint::kGenerate: return "GenerateRequest";
        case OllamaEndpoint::kEmbed: return "EmbedRequest";
        case OllamaEndpoint::kEmbeddings: return "EmbeddingRequest";
    }
    return "";
}

/// Go keeps a bad option for later than a bad body; of several the first counts.
void keep(std::optional<Failure>& kept, std::optional<Failure> failure) {
    if (!kept) kept = std::move(failure);
}

struct KeepAlive {
    std::string json;
    bool zero = false;
};

KeepAlive read_keep_alive(const GoFields& fields) {
    const json::Value value = fields.find("keep_alive");
    if (!value) return {};
    KeepAlive result{std::string(value.raw()), false};
    if (value.is_number()) {
        result.zero = value.number() == 0.0;
    } else if (value.is_string()) {
        const auto duration = parse_go_duration(value.string());
        if (!duration) fields.refuse_with(value, Weight::kFinal, duration.error());
        result.zero = duration.value_or(1) == 0;
    } else {
        const std::string_view type = value.is_bool()    ? "bool"
                                      : value.is_array() ? "[]interface {}"
                                                         : "map[string]interface {}";
        fields.refuse_with(value, Weight::kFinal, fmt::format("Unsupported type: '{}'", type));
    }
    return result;
}

Think read_think(const GoFields& fields) {
    static constexpr std::array<std::string_view, 4> kLevels{"high", "medium", "low", "max"};
    const json::Value value = fields.find("think");
    Think think;
    if (!value) return think;
    if (value.is_bool()) {
        think.mode = value.boolean() ? Think::Mode::kOn : Think::Mode::kOff;
    } else if (value.is_string()) {
        think.mode = Think::Mode::kLevel;
        think.level = std::string(value.string());
        if (std::ranges::find(kLevels, value.string()) == kLevels.end())
            fields.refuse_with(
                value, Weight::kFinal,
                fmt::format("invalid think value: {} (must be \"high\", \"medium\", \"low\", "
                            "\"max\", true, or false)",
                            go_quote(value.string())));
    } else {
        fields.refuse_with(value, Weight::kFinal,
                           "think must be a boolean or string (\"high\", \"medium\", \"low\", "
                           "\"max\", true, or false)");
    }
    return think;
}

std::optional<Failure> read_format(const GoFields& fields, ResponseFormat& format) {
    const json::Value value = fields.find("format");
    if (!value || value.raw() == "\"\"") return std::nullopt;
    if (value.is_object()) {
        format.kind = ResponseFormat::Kind::kJsonSchema;
        format.schema = std::string(value.raw());
    } else if (value.raw() == "\"json\"") {
        format.kind = ResponseFormat::Kind::kJsonObject;
    } else {
        return Failure{
            Cause::kBadRequest,
            fmt::format("invalid format: {}; expected \"json\" or a valid JSON Schema object",
                        go_quote(value.raw())),
            500};
    }
    return std::nullopt;
}

/// Everything that chat and generate share. Extras come in the order of the body.
std::optional<Failure> read_common(json::Value body, const GoFields& fields,
                                   OllamaRequest& request) {
    ChatRequest& chat = request.chat;
    request.stream = fields.boolean("stream", true);
    chat.stream = request.stream;
    chat.think = read_think(fields);
    chat.truncate = fields.maybe_boolean("truncate");
    chat.logprobs = fields.boolean("logprobs", false);
    const std::int64_t top = fields.integer("top_logprobs");
    if (chat.logprobs && top > 0) chat.top_logprobs = top;
    (void)fields.maybe_boolean("shift");
    request.debug_render_only = fields.boolean("_debug_render_only", false);
    keep(request.late_failure, read_format(fields, chat.format));

    const json::Value options = fields.object("options", "map[string]interface {}");
    const json::Value shift = fields.find("shift");
    const json::Value context =
        request.endpoint == OllamaEndpoint::kGenerate ? fields.find("context") : json::Value();
    for (const json::Value member : body) {
        const char* const place = member.raw().data();
        if (options && place == options.raw().data()) {
            keep(request.late_failure, read_options(options, chat.sampling, chat.extras));
        } else if (shift && place == shift.raw().data()) {
            if (!is_neutral(*find_option("shift"), shift))
                chat.extras.push_back({"shift", std::string(shift.raw())});
        } else if (context && place == context.raw().data() && !context.empty()) {
            chat.extras.push_back({"context", std::string(context.raw())});
        }
    }
    if (top < 0 || top > 20)
        return Failure{Cause::kBadRequest, "top_logprobs must be between 0 and 20", 400};
    return std::nullopt;
}

Message text_message(std::string_view role, std::string_view text) {
    Message message;
    message.role = std::string(role);
    message.parts.emplace_back(TextPart{std::string(text)});
    return message;
}

void read_generate(const GoFields& fields, OllamaRequest& request) {
    request.prompt = fields.string("prompt");
    request.suffix = fields.string("suffix");
    request.system = fields.string("system");
    request.template_text = fields.string("template");
    request.raw = fields.boolean("raw", false);
    request.images = read_images(fields);
    for (const json::Value element : fields.array("context", "[]int"))
        if (const auto id = fields.whole(element, "context")) request.context.push_back(*id);
    if (request.raw &&
        (!request.template_text.empty() || !request.system.empty() || !request.context.empty()))
        request.late_failure = Failure{
            Cause::kBadRequest, "raw mode does not support template, system, or context", 400};
    if (!request.system.empty())
        request.chat.messages.push_back(text_message("system", request.system));
    Message user;
    user.role = "user";
    if (!request.prompt.empty() || request.images.empty())
        user.parts.emplace_back(TextPart{request.prompt});
    user.parts.insert(user.parts.end(), request.images.begin(), request.images.end());
    request.chat.messages.push_back(std::move(user));
}

std::optional<Failure> read_embed(const GoFields& fields, OllamaRequest& request) {
    EmbedRequest& embed = request.embed;
    request.stream = false;
    if (request.endpoint == OllamaEndpoint::kEmbeddings) {
        if (std::string prompt = fields.string("prompt"); !prompt.empty())
            embed.inputs.push_back(std::move(prompt));
    } else {
        embed.truncate = fields.boolean("truncate", true);
        const std::int64_t dimensions = fields.integer("dimensions");
        if (dimensions > 0) embed.dimensions = dimensions;
    }
    Sampling unused;  // load options are all that could matter, and they are hints
    keep(request.late_failure,
         read_options(fields.object("options", "map[string]interface {}"), unused, embed.extras));
    if (request.endpoint == OllamaEndpoint::kEmbeddings) return std::nullopt;
    const json::Value input = fields.find("input");
    if (input.is_string()) {
        if (!input.string().empty()) embed.inputs.emplace_back(input.string());
        return std::nullopt;
    }
    const Failure wrong{Cause::kBadRequest, "invalid input type", 400};
    if (input && !input.is_array()) return wrong;
    for (const json::Value element : input) {
        if (!element.is_string()) return wrong;
        embed.inputs.emplace_back(element.string());
    }
    return std::nullopt;
}

/// Wire 1.3: each route has its own words for a missing name.
std::optional<Failure> check_model(OllamaEndpoint endpoint, std::string_view model) {
    if (trim(model).empty()) {
        switch (endpoint) {
            case OllamaEndpoint::kChat:
            case OllamaEndpoint::kEmbeddings:
                return Failure{Cause::kBadRequest, "model is required", 400};
            case OllamaEndpoint::kGenerate:
                return Failure{Cause::kModelNotFound, fmt::format("model '{}' not found", model),
                               404};
            case OllamaEndpoint::kEmbed:
                return Failure{
                    Cause::kModelNotFound,
                    fmt::format("model {} not found, try pulling it first", go_quote(model)), 404};
        }
    }
    if (has_both_source_suffixes(model))
        return Failure{Cause::kBadRequest,
                       fmt::format("use either :local or :cloud, not both: {}", go_quote(model)),
                       400};
    const auto named = split_collection(model);
    if (!canonical_model_name(named ? named->model : model))
        return Failure{Cause::kBadRequest, "invalid model name", 400};
    return std::nullopt;
}

Failure parse_failure(const json::ParseError& error) {
    // Go's syntax is settled by now; what is left is our own depth limit and numbers beyond
    // float64.
    if (error.kind == json::ParseError::Kind::kDepth)
        return Failure{Cause::kBadRequest, "invalid character '{' exceeded max depth", 400};
    return Failure{Cause::kBadRequest, error.reason, 400};
}

}  // namespace

Outcome<OllamaRequest> read_ollama_request(OllamaEndpoint endpoint, std::string_view body) {
    OllamaRequest request;
    request.endpoint = endpoint;
    json::Parser parser;
    auto parsed = parser.parse(body);
    if (parsed) {
        request.body = std::string(body);
    } else {
        // Seldom: a syntax error, trailing bytes, or text that Go's decoder repairs and simdjson
        // refuses.
        const auto first = first_go_value(body);
        if (!first)
            return refuse(Cause::kBadRequest,
                          first.error().empty ? "missing request body" : first.error().text, 400);
        request.body = json::repair_text(*first);
        parsed = parser.parse(request.body);
        if (!parsed) return tl::make_unexpected(parse_failure(parsed.error()));
    }
    const json::Value root = *parsed;
    if (!root.is_object() && !root.is_null())
        return refuse(Cause::kBadRequest,
                      fmt::format("json: cannot unmarshal {} into Go value of type api.{}",
                                  go_kind(root), struct_name(endpoint)),
                      400);

    GoErrors errors;
    const GoFields fields(root, std::string(struct_name(endpoint)), "", errors);
    request.model = fields.string("model");
    const KeepAlive keep_alive = read_keep_alive(fields);
    std::optional<Failure> early;
    bool nothing_to_answer = false;
    switch (endpoint) {
        case OllamaEndpoint::kChat: {
            early = read_common(root, fields, request);
            request.chat.messages =
                read_messages(fields.array("messages", "[]api.Message"), errors);
            request.chat.tools = read_tools(fields.array("tools", "api.Tools"), fields);
            nothing_to_answer = request.chat.messages.empty();
            break;
        }
        case OllamaEndpoint::kGenerate:
            early = read_common(root, fields, request);
            read_generate(fields, request);
            nothing_to_answer = request.prompt.empty() && request.suffix.empty();
            break;
        case OllamaEndpoint::kEmbed:
        case OllamaEndpoint::kEmbeddings: early = read_embed(fields, request); break;
    }
    if (errors.any()) return refuse(Cause::kBadRequest, errors.text(), 400);
    if (early) return tl::make_unexpected(std::move(*early));
    if (auto failure = check_model(endpoint, request.model))
        return tl::make_unexpected(std::move(*failure));

    if (nothing_to_answer)
        request.purpose =
            keep_alive.zero ? OllamaRequest::Purpose::kUnload : OllamaRequest::Purpose::kLoad;
    request.chat.model = request.embed.model = request.model;
    request.chat.keep_alive = request.embed.keep_alive = keep_alive.json;
    return request;
}

}  // namespace segue::llm
