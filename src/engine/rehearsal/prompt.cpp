#include "engine/rehearsal/prompt.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kStart = "<|im_start|>";
constexpr std::string_view kEnd = "<|im_end|>";
constexpr std::string_view kNoThoughts = "<think>\n\n</think>\n\n";

void render_message(const PromptMessage& message, bool open_ended, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{}{}\n", kStart, message.role);
    if (!message.thinking.empty()) out += "<think>\n" + message.thinking + "\n</think>\n\n";
    out += message.content;
    for (const CalledTool& call : message.calls) {
        fmt::format_to(std::back_inserter(out),
                       "<tool_call>\n{{\"name\": \"{}\", \"arguments\": {}}}\n</tool_call>",
                       call.name, call.arguments);
    }
    if (!open_ended) fmt::format_to(std::back_inserter(out), "{}\n", kEnd);
}

}  // namespace

std::string render_prompt(const Prompt& prompt) {
    if (prompt.raw) return *prompt.raw;
    std::string out;
    if (!prompt.tools.empty()) {
        fmt::format_to(std::back_inserter(out), "{}system\nTools: [", kStart);
        for (const PromptTool& tool : prompt.tools)
            out += tool.source;
        fmt::format_to(std::back_inserter(out), "]{}\n", kEnd);
    }
    for (const PromptMessage& message : prompt.messages) {
        const bool is_last = &message == &prompt.messages.back();
        render_message(message, is_last && prompt.continue_last, out);
    }
    if (prompt.continue_last) return out;
    fmt::format_to(std::back_inserter(out), "{}assistant\n", kStart);
    if (!prompt.thinking) out += kNoThoughts;
    return out;
}

void read_raw_prompt(std::string text, Prompt& prompt) {
    std::size_t at = text.find(kStart);
    if (at == std::string::npos) {
        prompt.messages.push_back({"user", text});
        prompt.thinking = false;
        prompt.raw = std::move(text);
        return;
    }
    bool open_assistant = false;
    while (at != std::string::npos) {
        const std::size_t role_at = at + kStart.size();
        const std::size_t line_end = text.find('\n', role_at);
        if (line_end == std::string::npos) break;
        PromptMessage message{text.substr(role_at, line_end - role_at), ""};
        const std::size_t close = text.find(kEnd, line_end);
        message.content =
            text.substr(line_end + 1, close == std::string::npos ? close : close - line_end - 1);
        open_assistant = close == std::string::npos && message.role == "assistant";
        if (!open_assistant) prompt.messages.push_back(std::move(message));
        at = close == std::string::npos ? close : text.find(kStart, close);
    }
    prompt.thinking = open_assistant && !text.ends_with(kNoThoughts);
    prompt.raw = std::move(text);
}

std::string_view last_question(const Prompt& prompt) {
    for (auto message = prompt.messages.rbegin(); message != prompt.messages.rend(); ++message) {
        // Unknown roles are answered as if a user spoke (recording "chat_bad_role").
        if (message->role != "assistant" && message->role != "system" && message->role != "tool" &&
            message->role != "developer") {
            return trim(message->content);
        }
    }
    return {};
}

}  // namespace segue::engine::rehearsal
