/// How a model's thinking is switched on this side (wire 3.4).
#pragma once

#include <optional>
#include <string>

#include "llm/chat.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm {

/// The profile's style; kAuto becomes kTemplate when the capabilities say thinking or the engine
/// was seen to have a reasoning parser, else kNo.
ThinkingStyle thinking_style(const Target& target);

/// False: a request that wants thinking is a 400 on the Ollama front, and answered without thinking
/// on the others.
bool can_think(const Target& target);

namespace openai_engine {

/// Request members that stand for one think switch.
struct ThinkingFields {
    enum class Switch : std::uint8_t { kNone, kOff, kOn } template_switch = Switch::kNone;
    std::string effort;                         // reasoning_effort; "" = not sent
    bool leave_out_reasoning = false;           // include_reasoning: false
    std::optional<std::int64_t> budget_tokens;  // thinking_token_budget
    bool adjusted = false;                      // not what was asked for, but the nearest
};

/// A failure when thinking is wanted and the model cannot.
Outcome<ThinkingFields> thinking_fields(const Think& think, const Target& target,
                                        std::string_view client_model);

}  // namespace openai_engine
}  // namespace segue::llm
