#include "llm/openai/responses/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/result.hpp"
#include "llm/openai/front/decode.hpp"
#include "llm/openai/front/fields.hpp"

namespace segue::llm::openai {
namespace {

using json::Writer;

/// The items of `input` become chat messages; what belongs to one turn of the assistant (reasoning,
/// words, calls) becomes one message.
class Messages {
public:
    explicit Messages(Declarations& declared) : declared_(declared) {}

    void say(std::string_view role, std::string_view text) {
        flush();
        messages_.push_back(json::object(
            [&](Writer& writer) { writer.member("role", role).member("content", text); }));
    }

    std::optional<Failure> add(json::Value item, const std::string& where) {
        if (!item.is_object()) return bad_type(where, "an object", item);
        const std::string_view type = item["type"].string("message");
        if (type == "message") return message(item, where);
        if (type == "function_call") {
            calls_.push_back(json::object([&](Writer& writer) {
                writer.member("id", item["call_id"].string(item["id"].string()))
                    .member("type", "function")
                    .key("function")
                    .begin_object()
                    .member("name", item["name"].string())
                    .member("arguments", item["arguments"].string())
                    .end_object();
            }));
        } else if (type == "function_call_output") {
            flush();
            const std::string content = content_of(item["output"]);
            messages_.push_back(json::object([&](Writer& writer) {
                writer.member("role", "tool").member("tool_call_id", item["call_id"].string());
                writer.member_raw("content", content);
            }));
        } else if (type == "reasoning") {
            if (!content_.empty() || !calls_.empty()) flush();
            for (const json::Value part : item["content"])
                reasoning_ += part["text"].string();
            if (item["content"].empty()) {
                for (const json::Value part : item["summary"])
                    reasoning_ += part["text"].string();
            }
        } else {
            // Calls of tools that OpenAI itself runs, and references to what it stored.
            declared_.ignore(where, Loss::kSemantic);
        }
        return std::nullopt;
    }

    std::string take() {
        flush();
        return fmt::format("[{}]", fmt::join(messages_, ","));
    }

private:
    std::optional<Failure> message(json::Value item, const std::string& where) {
        if (!item["role"].is_string()) return bad_type(where + ".role", "a string", item["role"]);
        std::string content = content_of(item["content"]);
        if (item["role"].string() == "assistant") {
            if (!content_.empty() || !calls_.empty()) flush();
            content_ = std::move(content);
            return std::nullopt;
        }
        flush();
        messages_.push_back(json::object([&](Writer& writer) {
            writer.member("role", item["role"].string()).member_raw("content", content);
        }));
        return std::nullopt;
    }

    /// Parts in chat's words.
    static std::string content_of(json::Value content) {
        if (!content) return "null";
        if (!content.is_array()) return std::string(content.raw());
        std::string out;
        Writer writer(out);
        writer.begin_array();
        for (const json::Value part : content) {
            if (part["type"].string() == "input_image") {
                writer.begin_object().member("type", "image_url");
                writer.key("image_url").begin_object();
                writer.member("url", part["image_url"].string()).end_object().end_object();
            } else {
                writer.raw(part.raw());
            }
        }
        writer.end_array();
        return out;
    }

    void flush() {
        if (content_.empty() && calls_.empty() && reasoning_.empty()) return;
        messages_.push_back(json::object([&](Writer& writer) {
            writer.member("role", "assistant");
            if (!content_.empty()) writer.member_raw("content", content_);
            if (!reasoning_.empty()) writer.member("reasoning", reasoning_);
            if (!calls_.empty())
                writer.member_raw("tool_calls", fmt::format("[{}]", fmt::join(calls_, ",")));
        }));
        content_.clear();
        reasoning_.clear();
        calls_.clear();
    }

    Declarations& declared_;
    std::vector<std::string> messages_;
    std::string content_;  // of the assistant's turn that is being read
    std::string reasoning_;
    std::vector<std::string> calls_;
};

Outcome<std::string> messages_of(json::Value body, Fields& fields, Declarations& declared) {
    Messages messages(declared);
    if (const std::string instructions = fields.text("instructions"); !instructions.empty())
        messages.say("system", instructions);
    const json::Value input = fields.any("input");
    if (input.is_string()) {
        messages.say("user", input.string());
    } else if (input.is_array()) {
        std::size_t i = 0;
        for (const json::Value item : input) {
            if (auto failure = messages.add(item, fmt::format("input[{}]", i++)))
                return tl::unexpected<Failure>(*std::move(failure));
        }
    } else {
        return tl::unexpected<Failure>(
            bad_type("input", "a string or an array of items", body["input"]));
    }
    return messages.take();
}

/// Flat here, nested in chat; other tools keep their shape and are declared there.
void write_tools(json::Value tools, Writer& writer) {
    writer.key("tools").begin_array();
    for (const json::Value tool : tools) {
        if (tool["type"].string() != "function") {
            writer.raw(tool.raw());
            continue;
        }
        writer.begin_object().member("type", "function").key("function").begin_object();
        for (const json::Value member : tool) {
            const bool kept = member.key() == "name" || member.key() == "description" ||
                              member.key() == "parameters";
            if (kept && !member.is_null()) writer.member_raw(member.key(), member.raw());
        }
        writer.end_object().end_object();
    }
    writer.end_array();
}

void write_tool_choice(json::Value choice, Writer& writer) {
    if (choice.is_object() && choice["name"].is_string()) {
        writer.key("tool_choice").begin_object().member("type", "function");
        writer.key("function").begin_object().member_raw("name", choice["name"].raw());
        writer.end_object().end_object();
    } else {
        writer.member_raw("tool_choice", choice.raw());
    }
}

void write_format(json::Value format, Writer& writer) {
    if (format["type"].string() != "json_schema") {
        writer.member_raw("response_format", format.raw());
        return;
    }
    writer.key("response_format").begin_object().member("type", "json_schema");
    writer.member_raw("json_schema", format.raw()).end_object();
}

}  // namespace

Outcome<ChatRequest> decode_responses(json::Value body, Declarations& declared) {
    Fields fields(body);
    SEGUE_TRY(messages, messages_of(body, fields, declared));
    const std::string chat = json::object([&](Writer& writer) {
        writer.member_raw("messages", messages);
        for (const auto& [name, chat_name] :
             std::array<std::pair<std::string_view, std::string_view>, 6>{
                 {{"model", "model"},
                  {"stream", "stream"},
                  {"max_output_tokens", "max_tokens"},
                  {"temperature", "temperature"},
                  {"top_p", "top_p"},
                  {"parallel_tool_calls", "parallel_tool_calls"}}}) {
            if (const json::Value value = fields.any(name))
                writer.member_raw(chat_name, value.raw());
        }
        if (const json::Value tools = fields.array("tools")) write_tools(tools, writer);
        if (const json::Value choice = fields.any("tool_choice")) write_tool_choice(choice, writer);
        if (const json::Value format = fields.object("text")["format"]; format.is_object())
            write_format(format, writer);
        if (const json::Value effort = fields.object("reasoning")["effort"]; !effort.absent())
            writer.member_raw("reasoning_effort", effort.raw());
    });
    if (fields.failed()) return tl::unexpected<Failure>(fields.failure());
    // previous_response_id, store, metadata, truncation …: nothing is kept between requests.
    for (const Extra& extra : fields.rest())
        declared.ignore(extra.name, Loss::kHint);
    json::Parser parser;
    const auto root = parser.parse(chat);
    if (!root)
        return refuse(Failure::Cause::kBadRequest,
                      fmt::format("the request cannot be read: {}", root.error().reason), 400);
    SEGUE_TRY(request, decode_chat(*root, declared));
    request.truncate = false;
    return request;
}

ResponsesEcho responses_echo(json::Value body) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kDefaults{
        {{"instructions", "null"},
         {"max_output_tokens", "null"},
         {"metadata", "{}"},
         {"parallel_tool_calls", "true"},
         {"previous_response_id", "null"},
         {"reasoning", "null"},
         {"temperature", "1"},
         {"text", R"({"format":{"type":"text"}})"},
         {"tool_choice", "\"auto\""},
         {"tools", "[]"},
         {"top_p", "1"},
         {"truncation", "\"disabled\""}}};
    ResponsesEcho echo;
    for (const auto& [name, otherwise] : kDefaults) {
        const json::Value given = body[name];
        // One line: it goes into an event.
        echo.emplace_back(name,
                          given.absent() ? std::string(otherwise) : json::minify(given.raw()));
    }
    return echo;
}

}  // namespace segue::llm::openai
