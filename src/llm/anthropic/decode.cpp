#include "llm/anthropic/decode.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "llm/openai/front/fields.hpp"

namespace segue::llm::anthropic {
namespace {

using openai::bad_parameter;
using openai::bad_type;
using openai::Fields;

constexpr std::int64_t kLeastBudget = 1024;

/// Ollama's words for what cannot be left out, in its order (wire 1.14).
std::optional<Failure> missing_member(json::Value body, Purpose purpose) {
    const auto missing = [](std::string_view param, std::string message) {
        return bad_parameter(param, std::move(message), "missing_required_parameter");
    };
    const json::Value model = body["model"];
    if (model.absent() || (model.is_string() && model.string().empty()))
        return missing("model", "model is required");
    const json::Value limit = body["max_tokens"];
    const bool no_limit = limit.absent() || (limit.is_number() && limit.number().value_or(0) <= 0);
    if (purpose == Purpose::kAnswer && no_limit)
        return missing("max_tokens", "max_tokens is required and must be positive");
    const json::Value messages = body["messages"];
    if (messages.absent() || (messages.is_array() && messages.empty()))
        return missing("messages", "messages is required");
    return std::nullopt;
}

std::optional<std::vector<std::string>> take_stops(Fields& fields) {
    const json::Value given = fields.array("stop_sequences");
    if (!given) return std::nullopt;
    std::vector<std::string> stops;
    for (const json::Value stop : given) {
        if (!stop.is_string()) {
            fields.refuse(
                bad_type(fmt::format("stop_sequences[{}]", stops.size()), "a string", stop));
            return std::nullopt;
        }
        stops.emplace_back(stop.string());
    }
    return stops;
}

/// An Anthropic tool in OpenAI's shape; the schema keeps its exact text.
std::string function_tool(json::Value tool) {
    return json::object([&](json::Writer& writer) {
        writer.member("type", "function").key("function").begin_object();
        writer.member("name", tool["name"].string());
        if (const json::Value text = tool["description"]; text.is_string())
            writer.member("description", text.string());
        if (const json::Value schema = tool["input_schema"]; schema.is_object())
            writer.member_raw("parameters", schema.raw());
        writer.end_object();
    });
}

std::vector<std::string> take_tools(Fields& fields, Declarations& declared) {
    std::vector<std::string> tools;
    std::size_t i = 0;
    for (const json::Value tool : fields.array("tools")) {
        const std::string where = fmt::format("tools[{}]", i++);
        if (!tool.is_object()) {
            fields.refuse(bad_type(where, "an object", tool));
        } else if (tool["type"].string("custom") != "custom") {
            // Tools with a meaning of Anthropic's own: run on their servers (web_search…), or known
            // to their models by name only (bash…, text_editor…).
            declared.ignore(where, Loss::kSemantic);
        } else if (!tool["name"].is_string()) {
            fields.refuse(bad_type(where + ".name", "a string", tool["name"]));
        } else if (const json::Value schema = tool["input_schema"];
                   !schema.absent() && !schema.is_object()) {
            fields.refuse(bad_type(where + ".input_schema", "an object", schema));
        } else {
            tools.push_back(function_tool(tool));
        }
    }
    return tools;
}

void take_tool_choice(Fields& fields, ChatRequest& request) {
    using Kind = ToolChoice::Kind;
    const json::Value choice = fields.object("tool_choice");
    if (!choice) return;
    const std::string_view type = choice["type"].string();
    if (choice["disable_parallel_tool_use"].boolean()) request.parallel_tool_calls = false;
    if (type == "auto") {
        request.tool_choice = {Kind::kAuto, {}};
    } else if (type == "any") {
        request.tool_choice = {Kind::kRequired, {}};
    } else if (type == "none") {
        request.tool_choice = {Kind::kNone, {}};
    } else if (type == "tool" && choice["name"].is_string()) {
        request.tool_choice = {Kind::kNamed, std::string(choice["name"].string())};
    } else {
        fields.refuse(bad_parameter(
            "tool_choice",
            "tool_choice.type must be 'auto', 'any', 'none', or 'tool' with the tool's name"));
    }
}

/// Ollama knows no level above high in this dialect's words (wire 1.14).
std::optional<std::string> level_of(std::string_view effort) {
    if (effort == "xhigh") return "high";
    for (const std::string_view level : {"low", "medium", "high", "max"})
        if (effort == level) return std::string(level);
    return std::nullopt;
}

/// Absent means off: Anthropic's clients expect no thinking blocks that they did not ask for.
Think take_thinking(Fields& fields, const std::optional<std::int64_t>& max_tokens) {
    const json::Value thinking = fields.object("thinking");
    const std::string_view type = thinking["type"].string("disabled");
    if (type == "disabled") return {Think::Mode::kOff, {}, {}};
    if (type == "adaptive") return {Think::Mode::kUnset, {}, {}};
    if (type != "enabled") {
        fields.refuse(
            bad_parameter("thinking", "thinking.type must be 'enabled', 'adaptive' or 'disabled'"));
        return {};
    }
    Think think{Think::Mode::kOn, {}, thinking["budget_tokens"].integer()};
    if (think.budget_tokens && *think.budget_tokens < kLeastBudget)
        fields.refuse(bad_parameter("thinking.budget_tokens",
                                    "thinking.budget_tokens must be at least 1024"));
    if (think.budget_tokens && max_tokens && *think.budget_tokens >= *max_tokens)
        fields.refuse(bad_parameter("thinking.budget_tokens",
                                    "max_tokens must be greater than thinking.budget_tokens"));
    return think;
}

ResponseFormat read_format(json::Value format, std::string_view where, Fields& fields) {
    if (format.absent()) return {};
    if (format["type"].string() == "json_schema" && format["schema"].is_object())
        return {ResponseFormat::Kind::kJsonSchema, std::string(format["schema"].raw()), {}};
    fields.refuse(
        bad_parameter(where, fmt::format("{} must be of type 'json_schema' with a schema", where)));
    return {};
}

void take_output_config(Fields& fields, ChatRequest& request, Declarations& declared) {
    const json::Value config = fields.object("output_config");
    // Its name while structured outputs were a beta.
    request.format = read_format(fields.object("output_format"), "output_format", fields);
    if (const json::Value format = config["format"]; !format.absent())
        request.format = read_format(format, "output_config.format", fields);
    const json::Value effort = config["effort"];
    if (effort.absent()) return;
    const auto level = level_of(effort.string());
    if (!level) {
        fields.refuse(bad_parameter(
            "output_config.effort",
            "output_config.effort must be 'low', 'medium', 'high', 'xhigh' or 'max'"));
    } else if (request.think.mode == Think::Mode::kOff) {
        // Engines know effort only as the depth of thinking.
        declared.ignore("output_config.effort", Loss::kHint);
    } else {
        request.think.mode = Think::Mode::kLevel;
        request.think.level = *level;
    }
}

}  // namespace

Outcome<ChatRequest> decode_messages_request(json::Value body, Purpose purpose,
                                             Declarations& declared) {
    if (auto failure = missing_member(body, purpose))
        return tl::unexpected<Failure>(*std::move(failure));
    Fields fields(body);
    ChatRequest request;
    request.truncate = false;
    request.model = fields.text("model");
    SEGUE_TRY(system, decode_system(fields.any("system")));
    if (system) request.messages.push_back(*std::move(system));
    SEGUE_TRY(turns, decode_turns(fields.any("messages"), declared));
    std::move(turns.begin(), turns.end(), std::back_inserter(request.messages));

    request.stream = fields.boolean("stream").value_or(false);
    request.sampling.max_tokens = fields.integer("max_tokens");
    request.sampling.temperature = fields.number("temperature");
    request.sampling.top_p = fields.number("top_p");
    request.sampling.top_k = fields.integer("top_k");
    request.sampling.stop = take_stops(fields);
    request.tools = take_tools(fields, declared);
    take_tool_choice(fields, request);
    if (request.tools.empty()) {
        request.tool_choice = {};
        request.parallel_tool_calls.reset();
    }
    request.think = take_thinking(fields, request.sampling.max_tokens);
    take_output_config(fields, request, declared);
    // metadata, service_tier, container, mcp_servers and whatever comes after them.
    for (const Extra& extra : fields.rest())
        declared.ignore(extra.name, Loss::kHint);
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    return request;
}

}  // namespace segue::llm::anthropic
