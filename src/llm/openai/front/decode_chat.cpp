#include <fmt/format.h>

#include "base/result.hpp"
#include "llm/openai/front/decode.hpp"

namespace segue::llm::openai {
namespace {

/// OpenAI's efforts in Ollama's levels (wire 3.12); nothing for a word that neither knows.
std::optional<Think> think_of_effort(std::string_view effort) {
    if (effort == "none") return Think{Think::Mode::kOff, {}, {}};
    std::string_view level = effort;
    if (effort == "minimal") level = "low";
    if (effort == "xhigh" || effort == "ultra") level = "max";
    if (level != "low" && level != "medium" && level != "high" && level != "max")
        return std::nullopt;
    return Think{Think::Mode::kLevel, std::string(level), {}};
}

Think switched(bool on) {
    return {on ? Think::Mode::kOn : Think::Mode::kOff, {}, {}};
}

/// Ollama's own `think`, OpenAI's efforts, vLLM's template switch: in that order, as far as they
/// are given.
Think take_think(Fields& fields, std::vector<Extra>& extras) {
    const json::Value think = fields.any("think");
    const json::Value nested = fields.object("reasoning")["effort"];
    const std::string flat = fields.text("reasoning_effort");
    const json::Value kwargs = fields.object("chat_template_kwargs");

    json::Value template_switch = kwargs["enable_thinking"];
    if (!template_switch.is_bool()) template_switch = kwargs["thinking"];
    std::size_t switches = 0;
    for (const std::string_view name : {"enable_thinking", "thinking"})
        if (kwargs[name].is_bool()) ++switches;
    if (kwargs.size() > switches)
        extras.push_back({"chat_template_kwargs", std::string(kwargs.raw())});

    if (think.is_bool()) return switched(think.boolean());
    if (think) {
        if (const auto level = think_of_effort(think.string());
            level && level->level == think.string())
            return *level;
        fields.refuse(bad_parameter(
            "think",
            fmt::format(
                R"(invalid think value: {} (must be "high", "medium", "low", "max", true, or false))",
                think.raw())));
        return {};
    }
    const std::string effort = nested.is_string() ? std::string(nested.string()) : flat;
    if (!effort.empty()) {
        if (const auto level = think_of_effort(effort)) return *level;
        fields.refuse(bad_parameter(nested.is_string() ? "reasoning.effort" : "reasoning_effort",
                                    fmt::format("Invalid value: '{}'. Supported values are: "
                                                "'none', 'minimal', 'low', 'medium', 'high', "
                                                "'xhigh' and 'max'.",
                                                effort)));
        return {};
    }
    if (template_switch.is_bool()) return switched(template_switch.boolean());
    return {};
}

std::vector<std::string> take_tools(Fields& fields, Declarations& declared) {
    std::vector<std::string> tools;
    std::size_t i = 0;
    for (const json::Value tool : fields.array("tools")) {
        const std::string where = fmt::format("tools[{}]", i++);
        if (!tool.is_object()) {
            fields.refuse(bad_type(where, "an object", tool));
        } else if (tool["type"].string("function") != "function") {
            // Tools that OpenAI itself would run; no engine behind this can.
            declared.ignore(where, Loss::kSemantic);
        } else if (!tool["function"]["name"].is_string()) {
            fields.refuse(bad_type(where + ".function.name", "a string", tool["function"]["name"]));
        } else {
            tools.emplace_back(tool.raw());
        }
    }
    return tools;
}

ToolChoice take_tool_choice(Fields& fields) {
    using Kind = ToolChoice::Kind;
    const json::Value choice = fields.any("tool_choice");
    if (!choice) return {};
    if (choice.is_object()) {
        if (const json::Value name = choice["function"]["name"]; name.is_string())
            return {Kind::kNamed, std::string(name.string())};
        fields.refuse(
            bad_type("tool_choice.function.name", "a string", choice["function"]["name"]));
        return {};
    }
    const std::string_view word = choice.string();
    if (word == "auto") return {Kind::kAuto, {}};
    if (word == "none") return {Kind::kNone, {}};
    if (word == "required") return {Kind::kRequired, {}};
    fields.refuse(
        choice.is_string()
            ? bad_parameter(
                  "tool_choice",
                  fmt::format("Invalid value: '{}'. Supported values are: 'none', 'auto', "
                              "'required' and a named function.",
                              word))
            : bad_type("tool_choice", "a string or an object", choice));
    return {};
}

}  // namespace

Outcome<ChatRequest> decode_chat(json::Value body, Declarations& declared) {
    Fields fields(body);
    ChatRequest request;
    request.model = fields.text("model");
    SEGUE_TRY(messages, decode_messages(fields.any("messages"), declared));
    request.messages = std::move(messages);
    request.stream = fields.boolean("stream").value_or(false);
    request.include_usage = take_include_usage(fields, declared);
    request.sampling = take_sampling(fields, request.extras);
    request.choices = take_choices(fields);
    request.tools = take_tools(fields, declared);
    request.tool_choice = take_tool_choice(fields);
    // Without tools there is nothing to choose; clients that lived on Ollama's shim send both
    // (wire 3.11).
    if (request.tools.empty()) request.tool_choice = {};
    request.parallel_tool_calls = fields.boolean("parallel_tool_calls");
    request.format = take_response_format(fields);
    request.think = take_think(fields, request.extras);
    request.logprobs = fields.boolean("logprobs").value_or(false);
    request.top_logprobs = fields.integer("top_logprobs");
    if (request.top_logprobs && (*request.top_logprobs < 0 || *request.top_logprobs > 20))
        fields.refuse(bad_parameter("top_logprobs", "top_logprobs must be between 0 and 20"));
    request.truncate = fields.boolean("truncate");
    request.keep_alive = take_keep_alive(fields);
    for (Extra& extra : fields.rest())
        request.extras.push_back(std::move(extra));
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    return request;
}

}  // namespace segue::llm::openai
