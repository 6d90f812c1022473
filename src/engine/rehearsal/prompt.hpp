/// What the rehearsal engine understood of a request, whichever wire it came over. Plain data; its
/// own, because sharing Segue's decoders would hide their mistakes from every test that uses this
/// engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::engine::rehearsal {

struct CalledTool {
    std::string name;
    std::string arguments;  // JSON text of an object
};

struct PromptMessage {
    std::string role;
    std::string content;
    std::string thinking = {};
    std::vector<CalledTool> calls = {};
};

struct PromptTool {
    std::string name;
    std::string description;
    std::string parameters;  // JSON schema, "" = none
    std::string source;      // the whole tool as the prompt shows it
};

enum class ToolChoice : std::uint8_t { kAuto, kNone, kRequired, kNamed };

struct Prompt {
    std::vector<PromptMessage> messages;
    std::vector<PromptTool> tools;
    ToolChoice tool_choice = ToolChoice::kAuto;
    std::string named_tool;
    bool parallel_calls = true;
    bool thinking = false;
    /// The assistant's last message is continued, not answered.
    bool continue_last = false;

    std::string schema;  // "" = any text
    bool json_object = false;
    std::vector<std::string> choices;
    std::string regex;

    std::vector<std::string> stops;
    bool include_stop = false;
    bool ignore_end = false;
    std::optional<std::int64_t> max_tokens;
    /// The prompt as it was sent, when no template applies.
    std::optional<std::string> raw = {};
};

/// The text that a ChatML template makes of the prompt; raw prompts as they are.
std::string render_prompt(const Prompt& prompt);
/// Reads ChatML back into messages, so that raw prompts are answered like chats. Text without marks
/// is one user message.
void read_raw_prompt(std::string text, Prompt& prompt);

/// The last thing a user asked; "" if nobody did.
std::string_view last_question(const Prompt& prompt);

}  // namespace segue::engine::rehearsal
