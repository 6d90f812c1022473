#include "engine/rehearsal/ollama_request.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

using Refused = tl::unexpected<OllamaRefusal>;
Refused refuse(int status, std::string message) {
    return tl::make_unexpected(OllamaRefusal{status, std::move(message)});
}

/// True when brackets or quotes are still open at the end: Go says "unexpected EOF" then.
bool is_cut_off(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string) {
            if (text[i] == '\\') ++i;
            if (i < text.size() && text[i] == '"') in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            ++depth;
        } else if (text[i] == '}' || text[i] == ']') {
            --depth;
        }
    }
    return in_string || depth > 0;
}

std::string_view go_kind(json::Value value) {
    switch (value.type()) {
        case json::Type::kBool: return "bool";
        case json::Type::kNumber: return "number";
        case json::Type::kString: return "string";
        case json::Type::kArray: return "array";
        case json::Type::kObject: return "object";
        case json::Type::kNull: break;
    }
    return "null";
}

enum class OptionKind : std::uint8_t { kInteger, kFloat, kBoolean, kStrings };
struct OptionField {
    std::string_view name;
    OptionKind kind;
};
constexpr std::array kOptions{OptionField{"num_keep", OptionKind::kInteger},
                              OptionField{"seed", OptionKind::kInteger},
                              OptionField{"num_predict", OptionKind::kInteger},
                              OptionField{"top_k", OptionKind::kInteger},
                              OptionField{"top_p", OptionKind::kFloat},
                              OptionField{"min_p", OptionKind::kFloat},
                              OptionField{"typical_p", OptionKind::kFloat},
                              OptionField{"repeat_last_n", OptionKind::kInteger},
                              OptionField{"temperature", OptionKind::kFloat},
                              OptionField{"repeat_penalty", OptionKind::kFloat},
                              OptionField{"presence_penalty", OptionKind::kFloat},
                              OptionField{"frequency_penalty", OptionKind::kFloat},
                              OptionField{"stop", OptionKind::kStrings},
                              OptionField{"num_ctx", OptionKind::kInteger},
                              OptionField{"num_batch", OptionKind::kInteger},
                              OptionField{"num_gpu", OptionKind::kInteger},
                              OptionField{"main_gpu", OptionKind::kInteger},
                              OptionField{"num_thread", OptionKind::kInteger},
                              OptionField{"use_mmap", OptionKind::kBoolean},
                              OptionField{"draft_num_predict", OptionKind::kInteger}};

OllamaOutcome<void> check_option(json::Value option) {
    for (const OptionField& field : kOptions) {
        if (field.name != option.key() || option.absent()) continue;
        const auto wrong = [&](std::string_view type) {
            return refuse(500, fmt::format("option \"{}\" must be of type {}", field.name, type));
        };
        switch (field.kind) {
            case OptionKind::kInteger:
                if (!option.is_number()) return wrong("integer");
                break;
            case OptionKind::kFloat:
                if (!option.is_number()) return wrong("float32");
                break;
            case OptionKind::kBoolean:
                if (!option.is_bool()) return wrong("boolean");
                break;
            case OptionKind::kStrings:
                if (!option.is_array()) return wrong("array");
                break;
        }
    }
    return {};
}

OllamaOutcome<void> read_options(json::Value options, OllamaCall& out) {
    for (json::Value option : options) {
        if (auto checked = check_option(option); !checked)
            return tl::make_unexpected(checked.error());
    }
    for (json::Value stop : options["stop"]) {
        if (stop.is_string()) out.prompt.stops.emplace_back(stop.string());
    }
    if (const auto limit = options["num_predict"].number(); limit && *limit >= 0) {
        out.prompt.max_tokens = std::max<std::int64_t>(1, static_cast<std::int64_t>(*limit));
    }
    if (const auto length = options["num_ctx"].number(); length && *length > 0) {
        out.context = static_cast<std::int64_t>(*length);
    }
    return {};
}

OllamaOutcome<void> read_format(json::Value format, Prompt& out) {
    if (format.absent() || (format.is_string() && format.string().empty())) return {};
    if (format.is_object()) {
        out.schema = format.raw();
    } else if (format.string() == "json") {
        out.json_object = true;
    } else {
        return refuse(
            500, fmt::format("invalid format: {}; expected \"json\" or a valid JSON Schema object",
                             json::quoted(format.raw())));
    }
    return {};
}

OllamaOutcome<void> read_think(json::Value think, const OllamaCall& call, EngineState& state,
                               Prompt& out) {
    bool wanted = state.options.thinks;
    if (think.is_bool()) {
        wanted = think.boolean();
    } else if (think.is_string()) {
        const std::string_view level = think.string();
        if (level != "high" && level != "medium" && level != "low" && level != "max") {
            return refuse(
                400, fmt::format("invalid think value: {} (must be \"high\", \"medium\", \"low\", "
                                 "\"max\", true, or false)",
                                 json::quoted(level)));
        }
        wanted = true;
    }
    if (wanted && !state.options.thinks) {
        return refuse(400, fmt::format("\"{}\" does not support thinking", call.model));
    }
    out.thinking = wanted;
    return {};
}

std::string full_name(std::string_view model) {
    const std::string name = normal_model_name(model).value_or(std::string(model));
    const bool has_namespace = name.find('/') != std::string::npos;
    return "registry.ollama.ai/" + std::string(has_namespace ? "" : "library/") + name;
}

OllamaOutcome<void> check_types(json::Value request, OllamaRoute route) {
    const std::string_view name = route == OllamaRoute::kChat ? "ChatRequest" : "GenerateRequest";
    const auto wrong = [&](std::string_view field, json::Value value, std::string_view type) {
        return refuse(400,
                      fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                  go_kind(value), name, field, type));
    };
    for (std::string_view field : {"model", "prompt", "suffix", "system", "template"}) {
        const json::Value value = request.find_ignoring_case(field);
        if (!value.absent() && !value.is_string()) return wrong(field, value, "string");
    }
    const json::Value stream = request.find_ignoring_case("stream");
    if (!stream.absent() && !stream.is_bool()) return wrong("stream", stream, "bool");
    const json::Value messages = request.find_ignoring_case("messages");
    if (!messages.absent() && !messages.is_array())
        return wrong("messages", messages, "[]api.Message");
    for (json::Value message : messages) {
        const json::Value content = message.find_ignoring_case("content");
        if (!content.absent() && !content.is_string())
            return wrong("messages.content", content, "string");
    }
    const json::Value options = request.find_ignoring_case("options");
    if (!options.absent() && !options.is_object())
        return wrong("options", options, "map[string]interface {}");
    return {};
}

}  // namespace

OllamaOutcome<json::Value> read_go_json(json::Parser& parser, std::string_view body) {
    if (trim(body).empty()) return refuse(400, "missing request body");
    const std::string repaired = json::repair_text(body);
    auto value = parser.parse(repaired);
    if (!value && value.error().kind == json::ParseError::Kind::kTrailing) {
        value = parser.parse(std::string_view(repaired).substr(0, value.error().offset));
    }
    if (value) return *value;
    if (is_cut_off(repaired)) return refuse(400, "unexpected EOF");
    const std::size_t at = std::min(value.error().offset, repaired.size() - 1);
    return refuse(
        400, fmt::format("invalid character '{}' looking for beginning of value", repaired[at]));
}

OllamaOutcome<std::optional<std::int64_t>> read_keep_alive(json::Value value) {
    if (value.absent()) return std::optional<std::int64_t>{};
    if (value.is_bool()) return refuse(400, "Unsupported type: 'bool'");
    if (const auto number = value.number())
        return std::optional(static_cast<std::int64_t>(*number));
    const std::string_view text = value.string();
    const auto invalid = [&] {
        return refuse(400, fmt::format("time: invalid duration {}", json::quoted(text)));
    };
    std::string_view rest = text;
    const bool is_negative = rest.starts_with('-');
    if (is_negative) rest.remove_prefix(1);
    if (rest == "0") return std::optional<std::int64_t>{0};
    if (rest.empty()) return invalid();
    double total = 0;
    while (!rest.empty()) {
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
        if (digits == 0 || digits > 15) return invalid();
        const double amount = std::strtod(std::string(rest.substr(0, digits)).c_str(), nullptr);
        rest.remove_prefix(digits);
        const std::string_view unit =
            rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
        if (unit.empty()) {
            return refuse(400,
                          fmt::format("time: missing unit in duration {}", json::quoted(text)));
        }
        const double scale = unit == "h"    ? 3600
                             : unit == "m"  ? 60
                             : unit == "s"  ? 1
                             : unit == "ms" ? 0.001
                                            : -1;
        if (scale < 0) {
            return refuse(400, fmt::format("time: unknown unit {} in duration {}",
                                           json::quoted(unit), json::quoted(text)));
        }
        total += amount * scale;
        rest.remove_prefix(unit.size());
    }
    return std::optional(
        static_cast<std::int64_t>(is_negative ? -std::ceil(total) : std::ceil(total)));
}

OllamaOutcome<std::vector<PromptMessage>> read_go_messages(json::Value messages) {
    std::vector<PromptMessage> out;
    for (json::Value message : messages) {
        PromptMessage one;
        one.role = to_lower(message.find_ignoring_case("role").string());
        one.content = message.find_ignoring_case("content").string();
        one.thinking = message.find_ignoring_case("thinking").string();
        for (json::Value call : message.find_ignoring_case("tool_calls")) {
            const json::Value function = call["function"];
            const json::Value arguments = function["arguments"];
            if (arguments.is_string()) {
                return refuse(400, "Value looks like object, but can't find closing '}' symbol");
            }
            one.calls.push_back({std::string(function["name"].string()),
                                 arguments.absent() ? "{}" : std::string(arguments.raw())});
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::vector<PromptTool> read_tools(json::Value tools) {
    std::vector<PromptTool> out;
    for (json::Value tool : tools) {
        const json::Value function = tool["function"];
        out.push_back({std::string(function["name"].string()),
                       std::string(function["description"].string()),
                       std::string(function["parameters"].raw()), std::string(tool.raw())});
    }
    return out;
}

OllamaOutcome<OllamaCall> read_ollama_call(json::Value request, OllamaRoute route,
                                           EngineState& state) {
    SEGUE_TRY_VOID(check_types(request, route));
    SEGUE_TRY(keep, read_keep_alive(request.find_ignoring_case("keep_alive")));
    OllamaCall out;
    out.route = route;
    out.model = request.find_ignoring_case("model").string();
    out.keep_seconds = keep.value_or(300);
    out.context = state.options.max_model_len;
    SEGUE_TRY_VOID(read_think(request.find_ignoring_case("think"), out, state, out.prompt));
    if (out.model.empty() && route == OllamaRoute::kChat) return refuse(400, "model is required");
    if (out.model.empty()) return refuse(404, "model '' not found");
    if (!normal_model_name(out.model)) return refuse(400, "invalid model name");
    RehearsalModel* model = state.models.find(out.model);
    if (!model) return refuse(404, fmt::format("model '{}' not found", out.model));
    out.stream = request.find_ignoring_case("stream").boolean(true);
    out.truncate = request.find_ignoring_case("truncate").boolean(true);
    out.logprobs = request.find_ignoring_case("logprobs").boolean();
    out.top_logprobs = request.find_ignoring_case("top_logprobs").integer().value_or(0);
    if (out.top_logprobs < 0 || out.top_logprobs > 20) {
        return refuse(400, "top_logprobs must be between 0 and 20");
    }
    if (!state.options.generates) {
        return refuse(400, fmt::format("\"{}\" does not support {}", out.model,
                                       route == OllamaRoute::kChat ? "chat" : "generate"));
    }
    json::Parser defaults;
    if (const auto parameters =
            defaults.parse(model->parameters.empty() ? "{}" : model->parameters)) {
        SEGUE_TRY_VOID(read_options(*parameters, out));
    }
    SEGUE_TRY_VOID(read_options(request.find_ignoring_case("options"), out));
    SEGUE_TRY_VOID(read_format(request.find_ignoring_case("format"), out.prompt));
    out.prompt.tools = read_tools(request.find_ignoring_case("tools"));
    if (!out.prompt.tools.empty() && !state.options.calls_tools) {
        return refuse(400, full_name(out.model) + " does not support tools");
    }
    bool has_images = false;
    if (route == OllamaRoute::kChat) {
        const json::Value messages = request.find_ignoring_case("messages");
        SEGUE_TRY(read, read_go_messages(messages));
        out.is_load = read.empty();
        for (json::Value message : messages)
            has_images |= !message.find_ignoring_case("images").empty();
        if (!model->system.empty() && (read.empty() || read.front().role != "system")) {
            out.prompt.messages.push_back({"system", model->system});
        }
        for (PromptMessage& message : read)
            out.prompt.messages.push_back(std::move(message));
    } else {
        const std::string_view prompt = request.find_ignoring_case("prompt").string();
        const std::string_view custom = request.find_ignoring_case("template").string();
        const json::Value system = request.find_ignoring_case("system");
        has_images = !request.find_ignoring_case("images").empty();
        if (!request.find_ignoring_case("suffix").string().empty()) {
            return refuse(400, full_name(out.model) + " does not support insert");
        }
        out.raw = request.find_ignoring_case("raw").boolean();
        if (out.raw && (!custom.empty() || !system.string().empty() ||
                        !request.find_ignoring_case("context").empty())) {
            return refuse(400, "raw mode does not support template, system, or context");
        }
        out.is_load = prompt.empty();
        const std::string_view said =
            system.is_string() ? system.string() : std::string_view(model->system);
        if (out.raw || !custom.empty()) {
            std::string text(prompt);
            if (!custom.empty()) {
                text = replace_all(replace_all(custom, "{{ .Prompt }}", prompt), "{{ .System }}",
                                   said);
            }
            read_raw_prompt(std::move(text), out.prompt);
        } else {
            if (!said.empty()) out.prompt.messages.push_back({"system", std::string(said)});
            out.prompt.messages.push_back({"user", std::string(prompt)});
        }
    }
    if (has_images) {
        return refuse(
            400, R"({"error":{"code":400,"message":"Multimodal data provided, but model does not )"
                 R"(support multimodal requests.","type":"invalid_request_error"}})");
    }
    return out;
}

}  // namespace segue::engine::rehearsal
