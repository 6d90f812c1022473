/// The answers of the model that the wire recordings were made with, as a table: so that a
/// rehearsal engine can stand where that model stood, in conformance tests. Pure. Chosen with
/// Skill::kTiny; everything it says is still labelled.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/rehearsal/prompt.hpp"

namespace segue::engine::rehearsal {

struct ScriptedAnswer {
    std::string reasoning;  // said before the answer when thinking is on
    std::string text;
};

/// Nothing when the question is not in the script.
std::optional<ScriptedAnswer> scripted_answer(std::string_view question);
/// What is said to the result of the script's tool: "It is 21 degrees in Paris."
std::optional<std::string> scripted_tool_answer(const Prompt& prompt);
/// The recorded prompt of a request with the script's tool, in tokens more or less than this engine
/// counts by itself: the two engines render tools differently (recordings "chat_tools",
/// "chat_tool_result").
std::optional<std::int64_t> scripted_prompt_tokens(const Prompt& prompt, bool ollama_template);

}  // namespace segue::engine::rehearsal
