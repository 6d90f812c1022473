#include "engine/rehearsal/vllm_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "engine/rehearsal/ollama_request.hpp"
#include "engine/rehearsal/shape.hpp"
#include "engine/rehearsal/vllm_checks.hpp"

namespace segue::engine::rehearsal {
namespace {

using Refused = tl::unexpected<VllmRefusal>;
Refused refuse(std::string message, std::string param = {}) {
    return tl::make_unexpected(
        VllmRefusal{400, "BadRequestError", std::move(message), std::move(param)});
}
Refused invalid(std::string_view type, std::string location, std::string_view message,
                std::string_view input) {
    return tl::make_unexpected(pydantic_refusal(type, std::move(location), message, input));
}

VllmOutcome<PromptMessage> read_message(json::Value message, std::size_t position,
                                        const EngineState& state) {
    PromptMessage out;
    out.role = message["role"].string();
    const json::Value content = message["content"];
    const std::string place = fmt::format("body.messages.{}", position);
    if (content.is_string()) {
        out.content = content.string();
    } else if (content.is_array()) {
        for (json::Value part : content) {
            const std::string_view type = part["type"].string();
            if (type == "image_url" || type == "input_audio" || type == "video_url") {
                return refuse(fmt::format("{} is not a multimodal model", state.served_name()));
            }
            if (!out.content.empty()) out.content += '\n';
            out.content += part.is_string() ? part.string() : part["text"].string();
        }
    } else if (out.role == "user" && content.is_null()) {
        return invalid("string_type", place + ".content", "Input should be a valid string", "None");
    }
    out.thinking = message["reasoning"].string(message["reasoning_content"].string());
    for (json::Value call : message["tool_calls"]) {
        const json::Value arguments = call["function"]["arguments"];
        if (!call["id"].is_string()) {
            return invalid("missing", place + ".tool_calls.0.id", "Field required", call.raw());
        }
        if (!arguments.is_string()) {
            return invalid("string_type", place + ".tool_calls.0.function.arguments",
                           "Input should be a valid string", arguments.raw());
        }
        out.calls.push_back(
            {std::string(call["function"]["name"].string()), std::string(arguments.string())});
    }
    if (out.role == "tool" && !message["tool_call_id"].is_string()) {
        return invalid("missing", place + ".tool_call_id", "Field required", message.raw());
    }
    return out;
}

VllmOutcome<void> read_tool_choice(json::Value request, const EngineState& state, Prompt& out) {
    const json::Value tools = request["tools"];
    const json::Value choice = request["tool_choice"];
    if (!tools.absent() && tools.empty()) {
        return refuse(
            "`tools` must not be an empty array. Either provide at least one tool or omit the "
            "field "
            "entirely.");
    }
    if (tools.absent()) {
        if (!choice.absent() && choice.string() != "none") {
            return refuse("When using `tool_choice`, `tools` must be set.");
        }
        return {};
    }
    out.tools = read_tools(tools);
    out.parallel_calls = request["parallel_tool_calls"].boolean(true);
    if (choice.string() == "none") {
        out.tool_choice = ToolChoice::kNone;
    } else if (choice.string() == "required") {
        out.tool_choice = ToolChoice::kRequired;
    } else if (choice.is_object()) {
        out.tool_choice = ToolChoice::kNamed;
        out.named_tool = choice["function"]["name"].string();
        if (std::none_of(out.tools.begin(), out.tools.end(),
                         [&](const PromptTool& tool) { return tool.name == out.named_tool; })) {
            return refuse(
                "The tool specified in `tool_choice` does not match any of the specified `tools`");
        }
    } else if (!choice.absent() && choice.string() != "auto") {
        return refuse("Invalid value for `tool_choice`");
    }
    if (!state.options.calls_tools && out.tool_choice != ToolChoice::kNone) {
        return refuse(
            "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be "
            "set");
    }
    return {};
}

VllmOutcome<void> read_constraint(json::Value request, Prompt& out) {
    const json::Value format = request["response_format"];
    const std::string_view type = format["type"].string();
    json::Value schema;
    if (type == "json_object") out.json_object = true;
    if (type == "json_schema") {
        schema = format["json_schema"]["schema"];
        if (schema.absent()) schema = format["json_schema"]["json_schema"];
        if (schema.absent())
            return refuse(
                "When response_format type is 'json_schema', the 'json_schema' field must be "
                "provided.");
    }
    const json::Value structured = request["structured_outputs"];
    if (structured.is_object()) {
        if (const json::Value wanted = structured["json"]; !wanted.absent()) schema = wanted;
        for (json::Value choice : structured["choice"])
            out.choices.emplace_back(choice.string());
        out.regex = structured["regex"].string();
        out.json_object = out.json_object || structured["json_object"].boolean();
    }
    if (schema.is_string()) {
        out.schema = schema.string();
    } else if (schema) {
        if (const auto problem = schema_problem(schema))
            return refuse("Grammar error: " + *problem);
        out.schema = schema.raw();
    }
    return {};
}

void read_thinking(json::Value request, const EngineState& state, Prompt& out) {
    const json::Value kwargs = request["chat_template_kwargs"];
    const std::string_view effort = request["reasoning_effort"].string();
    out.thinking = !effort.empty() && effort != "none";
    if (const json::Value wanted = kwargs["enable_thinking"]; wanted.is_bool()) {
        out.thinking = wanted.boolean();
    } else if (const json::Value other = kwargs["thinking"]; other.is_bool()) {
        out.thinking = other.boolean();
    }
    out.thinking = out.thinking && state.options.thinks;
}

VllmOutcome<void> read_generation(json::Value request, const VllmCall& call, Prompt& out) {
    const json::Value stop = request["stop"];
    if (stop.is_string()) out.stops.emplace_back(stop.string());
    for (json::Value one : stop)
        out.stops.emplace_back(one.string());
    out.include_stop = request["include_stop_str_in_output"].boolean();
    out.ignore_end = request["ignore_eos"].boolean();
    auto limit = request["max_completion_tokens"].integer();
    if (!limit) limit = request["max_tokens"].integer();
    if (!limit && call.route == VllmRoute::kCompletions) limit = 16;
    out.max_tokens = limit;
    return read_constraint(request, out);
}

VllmOutcome<void> read_text_prompts(json::Value request, EngineState& state, VllmCall& call) {
    const json::Value prompt = request["prompt"];
    const auto add = [&](std::string text) {
        Prompt one;
        read_raw_prompt(std::move(text), one);
        call.prompts.push_back(std::move(one));
    };
    const auto from_ids = [&](json::Value ids) {
        std::vector<std::int64_t> tokens;
        for (json::Value id : ids)
            tokens.push_back(id.integer().value_or(0));
        return state.vocabulary.decode(tokens);
    };
    if (prompt.is_string() && !prompt.string().empty()) {
        add(std::string(prompt.string()));
    } else if (prompt.is_array() && !prompt.empty() && prompt.at(0).is_number()) {
        add(from_ids(prompt));
    } else {
        for (json::Value one : prompt) {
            add(one.is_string() ? std::string(one.string()) : from_ids(one));
        }
    }
    if (call.prompts.empty())
        return refuse("Either prompt or prompt_embeds must be provided and non-empty.");
    if (!request["suffix"].string().empty()) {
        return refuse("suffix is only supported for models with FIM completion rendering",
                      "suffix");
    }
    return {};
}

}  // namespace

VllmOutcome<Prompt> read_vllm_chat(json::Value request, const EngineState& state) {
    Prompt out;
    const json::Value messages = request["messages"];
    if (!messages) {
        return invalid("missing", "body.messages", "Field required",
                       fmt::format("<dict of {} items>", request.size()));
    }
    if (!messages.is_array()) {
        return invalid("list_type", "body.messages", "Input should be a valid list",
                       messages.string());
    }
    SEGUE_TRY_VOID(read_tool_choice(request, state, out));
    std::size_t position = 0;
    for (json::Value message : messages) {
        SEGUE_TRY(one, read_message(message, position++, state));
        out.messages.push_back(std::move(one));
    }
    if (out.messages.empty()) {
        return refuse(
            "Cannot apply chat template to an empty conversation. Provide at least one message.");
    }
    out.continue_last = request["continue_final_message"].boolean();
    if (out.continue_last && request["add_generation_prompt"].boolean(true)) {
        return refuse(
            "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
    }
    if (!request["chat_template"].absent()) {
        return refuse(
            "Chat template is passed with request, but --trust-request-chat-template is not set. "
            "Refused "
            "request with untrusted chat template.");
    }
    read_thinking(request, state, out);
    return out;
}

VllmOutcome<VllmCall> read_vllm_call(json::Value request, VllmRoute route,
                                     const net::RequestHead& head, EngineState& state) {
    if (auto wrong = check_types(request)) return tl::make_unexpected(std::move(*wrong));
    VllmCall call;
    call.route = route;
    Prompt chat;
    // A request of the wrong shape is refused before its model is looked up.
    const bool has_messages = route == VllmRoute::kCompletions || request["messages"].is_array();
    if (has_messages) {
        if (auto wrong = check_model(request, state)) return tl::make_unexpected(std::move(*wrong));
    }
    if (route == VllmRoute::kChat) {
        SEGUE_TRY(read, read_vllm_chat(request, state));
        chat = std::move(read);
    } else {
        SEGUE_TRY_VOID(read_text_prompts(request, state, call));
    }
    if (auto wrong = check_values(request, state)) return tl::make_unexpected(std::move(*wrong));
    call.stream = request["stream"].boolean();
    const json::Value stream_options = request["stream_options"];
    call.include_usage = stream_options["include_usage"].boolean();
    call.continuous_usage =
        call.include_usage && stream_options["continuous_usage_stats"].boolean();
    call.n = request["n"].integer().value_or(1);
    call.echo = request["echo"].boolean();
    call.include_reasoning = request["include_reasoning"].boolean(true);
    call.return_token_ids = request["return_token_ids"].boolean();
    if (route == VllmRoute::kChat) {
        call.logprobs = request["logprobs"].boolean();
        call.top_logprobs = request["top_logprobs"].integer().value_or(0);
        call.forced_call =
            chat.tool_choice == ToolChoice::kRequired || chat.tool_choice == ToolChoice::kNamed;
        call.named_call = chat.tool_choice == ToolChoice::kNamed;
        const bool has_switch = request["chat_template_kwargs"]["enable_thinking"].is_bool() ||
                                !request["reasoning_effort"].absent();
        call.all_is_reasoning = state.options.parser_trap && state.options.thinks && !has_switch;
        SEGUE_TRY_VOID(read_generation(request, call, chat));
        call.prompts.push_back(std::move(chat));
    } else {
        call.logprobs = request["logprobs"].is_number();
        call.top_logprobs = request["logprobs"].integer().value_or(0);
        for (Prompt& prompt : call.prompts)
            SEGUE_TRY_VOID(read_generation(request, call, prompt));
    }
    call.request_id = request["request_id"].string();
    if (call.request_id.empty()) call.request_id = head.headers.find("X-Request-Id").value_or("");
    return call;
}

}  // namespace segue::engine::rehearsal
