#include "llm/ollama/engine/forced_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "llm/session.hpp"

namespace segue::llm::ollama {
namespace {

using Kind = ToolChoice::Kind;

constexpr std::size_t kMostBytes = 4 * 1024 * 1024;

tl::unexpected<Failure> cannot(std::string message) {
    Failure failure{Failure::Cause::kBadRequest, std::move(message), 400};
    failure.param = "tool_choice";
    return tl::unexpected<Failure>(std::move(failure));
}

bool refers(json::Value schema) {
    if (!schema["$ref"].absent() || !schema["$dynamicRef"].absent()) return true;
    if (!schema.is_object() && !schema.is_array()) return false;
    return std::any_of(schema.begin(), schema.end(), refers);
}

void write_call(std::string_view name, json::Value parameters, json::Writer& writer) {
    writer.begin_object().member("type", "object").key("properties").begin_object();
    writer.key("name").begin_object().member("type", "string");
    writer.key("enum").begin_array().string(name).end_array().end_object();
    writer.member_raw("arguments", parameters.is_object() && !parameters.empty()
                                       ? parameters.raw()
                                       : std::string_view(R"({"type":"object"})"));
    writer.end_object().key("required").begin_array().string("name").string("arguments");
    writer.end_array().member("additionalProperties", false).end_object();
}

}  // namespace

bool forces_call(const ChatRequest& request) {
    return request.tool_choice.kind == Kind::kRequired || request.tool_choice.kind == Kind::kNamed;
}

Outcome<std::string> forced_call_schema(const ChatRequest& request) {
    std::string out;
    json::Writer writer(out);
    std::size_t tools = 0;
    std::string list;
    for (const std::string& text : request.tools) {
        json::Parser parser;
        const auto tool = parser.parse(text);
        const json::Value function = tool ? (*tool)["function"] : json::Value{};
        const std::string_view name = function["name"].string();
        if (name.empty() ||
            (request.tool_choice.kind == Kind::kNamed && name != request.tool_choice.name))
            continue;
        if (refers(function["parameters"]))
            return cannot(
                fmt::format("this engine cannot be made to call \"{}\", because its parameters use "
                            "$ref; write them out, or use tool_choice \"auto\"",
                            name));
        std::string one;
        json::Writer own(one);
        write_call(name, function["parameters"], own);
        list += (tools++ == 0 ? "" : ",") + one;
    }
    if (tools == 0)
        return cannot(request.tool_choice.kind == Kind::kNamed
                          ? fmt::format("tool_choice names \"{}\", which is not one of the tools",
                                        request.tool_choice.name)
                          : "tool_choice \"required\" needs tools");
    if (tools == 1) return list;
    writer.begin_object().member_raw("anyOf", "[" + list + "]").end_object();
    return out;
}

ForcedCall::ForcedCall(const ChatRequest& request, const Target& target, std::uint32_t choice,
                       std::size_t message_position)
    : engine_(target.engine),
      choice_(choice),
      message_position_(message_position),
      mistral_ids_(target.profile->mistral_ids) {
    for (const std::string& text : request.tools) {
        json::Parser parser;
        const auto tool = parser.parse(text);
        if (!tool) continue;
        std::string name((*tool)["function"]["name"].string());
        if (request.tool_choice.kind != Kind::kNamed || name == request.tool_choice.name)
            allowed_.push_back(std::move(name));
    }
}

void ForcedCall::apply(Events in, Events& out) {
    for (Event& event : in) {
        if (over_) return;
        std::visit(overloaded{
                       [&](Text& text) {
                           text_ += text.text;
                           logprobs_.clear();  // of text that the client never sees
                           if (text_.size() > kMostBytes) fail("made a call that is too long", out);
                       },
                       [&](Logprobs&) { logprobs_.push_back(std::move(event)); },
                       [&](Reasoning&) {
                           std::move(logprobs_.begin(), logprobs_.end(), std::back_inserter(out));
                           logprobs_.clear();
                           out.push_back(std::move(event));
                       },
                       [&](ToolCallDelta& delta) {
                           called_ = true;
                           if (std::ranges::find(allowed_, delta.name) == allowed_.end())
                               return fail("called another tool than the one asked for", out);
                           out.push_back(std::move(event));
                       },
                       [&](Finished& finished) {
                           if (take(finished, out)) out.push_back(std::move(event));
                       },
                       [&](auto&) { out.push_back(std::move(event)); },
                   },
                   event);
    }
}

/// False: the answer failed.
bool ForcedCall::take(Finished& finished, Events& out) {
    if (called_) return true;
    // A call that was cut is left out, as everywhere (wire 3.6).
    if (finished.reason == FinishReason::kLength) return true;
    json::Parser parser;
    const auto root = parser.parse(text_);
    const std::string_view name = root ? (*root)["name"].string() : std::string_view{};
    const auto arguments = root && (*root)["arguments"].is_object()
                               ? normalize_arguments((*root)["arguments"].raw())
                               : std::nullopt;
    if (!arguments || std::ranges::find(allowed_, name) == allowed_.end()) {
        fail("did not keep to the schema of the tool call that was asked for", out);
        return false;
    }
    ToolCallDelta call;
    call.choice = choice_;
    call.name = name;
    call.arguments = *arguments;
    call.id = made_tool_call_id(message_position_, call.name, call.arguments, mistral_ids_);
    out.emplace_back(std::move(call));
    finished.reason = FinishReason::kToolCalls;
    return true;
}

void ForcedCall::fail(std::string_view why, Events& out) {
    over_ = true;
    out.emplace_back(
        Failed{Failure{Failure::Cause::kBroken, fmt::format("engine {} {}", engine_, why)}});
}

}  // namespace segue::llm::ollama
