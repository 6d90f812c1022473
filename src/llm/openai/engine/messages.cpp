#include "llm/openai/engine/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "llm/session.hpp"

namespace segue::llm::openai_engine {
namespace {

constexpr std::string_view kBlankLine = "\n\n";

bool is_text(const Part& part) {
    return std::holds_alternative<TextPart>(part);
}

bool only_text(const Message& message) {
    return std::all_of(message.parts.begin(), message.parts.end(), is_text);
}

void set_text(Message& message, std::string text) {
    message.parts.clear();
    message.parts.emplace_back(TextPart{std::move(text)});
}

/// As Ollama does it for qwen3 and deepseek-r1: each whole pair of tags with what is between, and
/// the line ends behind it.
std::string without_thinking(std::string_view text, const Profile& profile) {
    std::string out;
    std::size_t from = 0;
    while (!profile.think_open.empty() && !profile.think_close.empty()) {
        const std::size_t open = text.find(profile.think_open, from);
        if (open == std::string_view::npos) break;
        const std::size_t close = text.find(profile.think_close, open + profile.think_open.size());
        if (close == std::string_view::npos) break;
        out += text.substr(from, open - from);
        from = close + profile.think_close.size();
        while (from < text.size() && text[from] == '\n')
            ++from;
    }
    out += text.substr(from);
    return out;
}

/// Position of the last user message; npos if there is none.
std::size_t last_user(const std::vector<Message>& messages) {
    for (std::size_t i = messages.size(); i-- > 0;) {
        if (messages[i].role == "user") return i;
    }
    return std::string::npos;
}

bool is_mistral_id(std::string_view id) {
    return id.size() == 9 && std::all_of(id.begin(), id.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
}

struct OpenCall {
    std::string given;  // as the client wrote it
    std::string id;     // as it is sent
    std::string name;
    bool answered = false;
};

class Ids {
public:
    explicit Ids(bool mistral) : mistral_(mistral) {}

    void add(ToolCall& call, std::size_t position) {
        const std::string given = call.id;
        call.id = given.empty() ? made(position, call) : mapped(given);
        used_.insert(call.id);
        open_.push_back({given, call.id, call.name});
    }

    /// Wire 3.2: the given id when it is a known call's; else the first unanswered call of that
    /// name; else the first unanswered call; else a made one.
    std::string result(const Message& message, std::size_t position) {
        const auto answer = [](OpenCall& call) {
            call.answered = true;
            return call.id;
        };
        if (!message.tool_call_id.empty()) {
            // The latest: some clients count their ids anew in each turn.
            for (auto call = open_.rbegin(); call != open_.rend(); ++call) {
                if (call->given == message.tool_call_id) return answer(*call);
            }
        }
        for (OpenCall& call : open_) {
            if (!call.answered && !message.tool_name.empty() && call.name == message.tool_name)
                return answer(call);
        }
        for (OpenCall& call : open_) {
            if (!call.answered) return answer(call);
        }
        return made_tool_call_id(position, message.tool_name, "", mistral_);
    }

private:
    /// Two equal calls in one message must not share an id.
    std::string made(std::size_t position, const ToolCall& call) const {
        std::string id = made_tool_call_id(position, call.name, call.arguments, mistral_);
        for (int copy = 2; used_.count(id) != 0; ++copy) {
            id = made_tool_call_id(position, fmt::format("{}#{}", call.name, copy), call.arguments,
                                   mistral_);
        }
        return id;
    }

    std::string mapped(const std::string& given) const {
        if (!mistral_ || is_mistral_id(given)) return given;
        return made_tool_call_id(0, given, "", true);
    }

    bool mistral_;
    std::set<std::string> used_;
    std::vector<OpenCall> open_;
};

/// Neighbours of one role become one message, with a blank line between (not tool results, and not
/// calls).
std::vector<Message> join_neighbours(std::vector<Message> messages) {
    std::vector<Message> joined;
    for (Message& message : messages) {
        const bool can = !joined.empty() && joined.back().role == message.role &&
                         message.role != "tool" && message.tool_calls.empty() &&
                         joined.back().tool_calls.empty();
        if (!can) {
            joined.push_back(std::move(message));
            continue;
        }
        Message& before = joined.back();
        if (only_text(before) && only_text(message)) {
            set_text(before, fmt::format("{}{}{}", before.text(), kBlankLine, message.text()));
        } else {
            std::move(message.parts.begin(), message.parts.end(), std::back_inserter(before.parts));
        }
    }
    return joined;
}

/// For templates without a system role: its text goes before that of the first user message.
std::vector<Message> fold_system(std::vector<Message> messages) {
    std::string system;
    std::vector<Message> rest;
    for (Message& message : messages) {
        if (message.role != "system" && message.role != "developer") {
            rest.push_back(std::move(message));
            continue;
        }
        if (!system.empty()) system += kBlankLine;
        system += message.text();
    }
    if (system.empty()) return rest;
    const auto user = std::find_if(rest.begin(), rest.end(),
                                   [](const Message& message) { return message.role == "user"; });
    if (user == rest.end()) {
        Message made;
        made.role = "user";
        set_text(made, std::move(system));
        rest.insert(rest.begin(), std::move(made));
        return rest;
    }
    const auto text = std::find_if(user->parts.begin(), user->parts.end(), is_text);
    if (text == user->parts.end()) {
        user->parts.insert(user->parts.begin(), TextPart{std::move(system)});
    } else {
        auto& first = std::get<TextPart>(*text).text;
        first = system + std::string(kBlankLine) + first;
    }
    return rest;
}

void write_part(const Part& part, json::Writer& writer) {
    writer.begin_object();
    if (const auto* text = std::get_if<TextPart>(&part)) {
        writer.member("type", "text").member("text", text->text);
    } else if (const auto* image = std::get_if<ImagePart>(&part)) {
        writer.member("type", "image_url").key("image_url").begin_object();
        if (image->base64.empty()) {
            writer.member("url", image->url);
        } else {
            const std::string_view type =
                image->media_type.empty() ? "image/jpeg" : std::string_view(image->media_type);
            writer.member("url", fmt::format("data:{};base64,{}", type, image->base64));
        }
        writer.end_object();
    } else if (const auto* audio = std::get_if<AudioPart>(&part)) {
        writer.member("type", "input_audio").key("input_audio").begin_object();
        writer.member("data", audio->base64).member("format", audio->format);
        writer.end_object();
    }
    writer.end_object();
}

void write_content(const Message& message, json::Writer& writer) {
    writer.key("content");
    if (!only_text(message)) {
        writer.begin_array();
        for (const Part& part : message.parts)
            write_part(part, writer);
        writer.end_array();
        return;
    }
    const std::string text = message.text();
    if (text.empty() && !message.tool_calls.empty()) {
        writer.null();
    } else {
        writer.string(text);
    }
}

void write_reasoning(const Message& message, const Target& target, json::Writer& writer) {
    const EngineTraits& traits = *target.traits;
    if (!traits.refuses("messages.reasoning")) writer.member("reasoning", message.reasoning);
    // Engines before 0.11.1 read that name (wire 5.1).
    if (traits.answers_reasoning_content && !traits.refuses("messages.reasoning_content"))
        writer.member("reasoning_content", message.reasoning);
}

void write_calls(const Message& message, json::Writer& writer) {
    writer.key("tool_calls").begin_array();
    for (const ToolCall& call : message.tool_calls) {
        writer.begin_object();
        writer.member("id", call.id).member("type", "function").key("function").begin_object();
        writer.member("name", call.name).member("arguments", call.arguments);
        writer.end_object().end_object();
    }
    writer.end_array();
}

void write_extra(const Message& message, json::Writer& writer) {
    json::Parser parser;
    const auto extra = parser.parse(message.extra);
    if (!extra) return;
    for (const json::Value member : *extra)
        writer.member_raw(member.key(), member.raw());
}

}  // namespace

std::vector<Message> prepare_messages(std::vector<Message> messages, const Profile& profile) {
    const std::size_t user = last_user(messages);
    Ids ids(profile.mistral_ids);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        Message& message = messages[i];
        if (message.role == "assistant") {
            const bool old = user != std::string::npos && i < user;
            if (old && profile.strip_old_thinking) {
                for (Part& part : message.parts) {
                    auto* text = std::get_if<TextPart>(&part);
                    if (text != nullptr && text->text.find(profile.think_open) != std::string::npos)
                        text->text = without_thinking(text->text, profile);
                }
            }
            // Templates need the thinking within a tool loop only; before it, it costs tokens.
            if (old) message.reasoning.clear();
        }
        for (ToolCall& call : message.tool_calls) {
            if (auto normal = normalize_arguments(call.arguments))
                call.arguments = std::move(*normal);
            ids.add(call, i);
        }
        if (message.role == "tool") message.tool_call_id = ids.result(message, i);
    }
    return messages;
}

void write_messages(const std::vector<Message>& messages, const Target& target,
                    json::Writer& writer) {
    const bool fold = target.profile->fold_system || target.traits->fold_system;
    const bool join = target.profile->join_neighbours || target.traits->join_neighbours;
    std::vector<Message> repaired;
    if (fold || join) {
        repaired = messages;
        if (fold) repaired = fold_system(std::move(repaired));
        if (join) repaired = join_neighbours(std::move(repaired));
    }
    writer.begin_array();
    for (const Message& message : fold || join ? repaired : messages) {
        writer.begin_object();
        writer.member("role", message.role.empty() ? std::string_view("user")
                                                   : std::string_view(message.role));
        write_content(message, writer);
        if (!message.reasoning.empty()) write_reasoning(message, target, writer);
        if (!message.tool_calls.empty()) write_calls(message, writer);
        if (message.role == "tool") {
            writer.member("tool_call_id", message.tool_call_id);
            if (!message.tool_name.empty()) writer.member("name", message.tool_name);
        }
        if (!message.extra.empty()) write_extra(message, writer);
        writer.end_object();
    }
    writer.end_array();
}

}  // namespace segue::llm::openai_engine
