#include "llm/ollama/front/decode_message.hpp"

#include "base/text.hpp"
#include "llm/ollama/front/media.hpp"

namespace segue::llm {
namespace {

using Weight = GoErrors::Weight;

// api.Message has an UnmarshalJSON method, so its wrong types end Go's decoding, and the outer
// decoder writes its own struct's name over the inner one: everything below a message is told as a
// field of ChatRequest.
constexpr const char* kStruct = "ChatRequest";

std::vector<ToolCall> read_tool_calls(const GoFields& message, GoErrors& errors) {
    std::vector<ToolCall> calls;
    for (const json::Value element : message.array("tool_calls", "[]api.ToolCall")) {
        if (!element.absent() && !element.is_object()) {
            message.refuse(element, "tool_calls", "api.ToolCall");
            continue;
        }
        const GoFields call(element, kStruct, "messages.tool_calls.", errors, Weight::kFinal);
        const GoFields function(call.object("function", "api.ToolCallFunction"), kStruct,
                                "messages.tool_calls.function.", errors, Weight::kFinal);
        ToolCall& made = calls.emplace_back();
        made.id = call.string("id");
        made.name = function.string("name");
        (void)function.integer("index");
        const json::Value arguments = function.find("arguments");
        if (!arguments) continue;
        if (!arguments.is_object()) {
            function.refuse_with(arguments, Weight::kFinal,
                                 "Value looks like object, but can't find closing '}' symbol");
            continue;
        }
        made.arguments = json::minify(arguments.raw());
    }
    return calls;
}

Message read_message(json::Value element, GoErrors& errors) {
    const GoFields fields(element, kStruct, "messages.", errors, Weight::kFinal);
    Message message;
    message.role = to_lower(fields.string("role"));
    if (message.role.empty()) message.role = "user";
    const std::string content = fields.string("content");
    message.reasoning = fields.string("thinking");
    message.tool_name = fields.string("tool_name");
    message.tool_call_id = fields.string("tool_call_id");
    message.tool_calls = read_tool_calls(fields, errors);
    std::vector<Part> images = read_images(fields);
    if (content.empty() && !message.tool_calls.empty()) {
        message.content_is_null = true;
    } else if (!content.empty() || images.empty()) {
        message.parts.emplace_back(TextPart{content});
    }
    for (Part& image : images)
        message.parts.push_back(std::move(image));
    return message;
}

}  // namespace

std::vector<Part> read_images(const GoFields& owner) {
    std::vector<Part> parts;
    for (const json::Value element : owner.array("images", "[]api.ImageData")) {
        if (element.absent()) continue;
        if (!element.is_string()) {
            owner.refuse(element, "images", "api.ImageData");
            continue;
        }
        std::string error;
        if (auto part = read_media(element.string(), error)) {
            parts.push_back(std::move(*part));
        } else {
            owner.refuse_with(element, Weight::kRemembered, std::move(error));
        }
    }
    return parts;
}

std::vector<Message> read_messages(json::Value messages, GoErrors& errors) {
    std::vector<Message> read;
    read.reserve(messages.size());
    const GoFields request({}, kStruct, "", errors, Weight::kFinal);
    for (const json::Value element : messages) {
        if (!element.absent() && !element.is_object()) {
            request.refuse(element, "messages", "api.Alias");
            continue;
        }
        read.push_back(read_message(element, errors));
    }
    return read;
}

std::vector<std::string> read_tools(json::Value tools, const GoFields& request) {
    std::vector<std::string> read;
    read.reserve(tools.size());
    for (const json::Value element : tools) {
        if (!element.is_object()) {
            if (!element.absent()) request.refuse(element, "tools", "api.Tool");
            continue;
        }
        read.emplace_back(element.raw());
    }
    return read;
}

}  // namespace segue::llm
