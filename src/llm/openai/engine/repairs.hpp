/// What a 400 before the first byte teaches about an engine or a model. Kept in the target's
/// traits, so that the next request is right at once (wire 5.1: never by version number).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/chat.hpp"
#include "llm/openai/engine/errors.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

/// Top-level request members that the text names as unknown; members of messages as
/// "messages.reasoning".
std::vector<std::string> unknown_fields(const EngineError& error);

/// The number behind `before`, when there is one.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view before);

/// What the request asked for, as far as repairs must know.
struct Asked {
    ResponseFormat::Kind format = ResponseFormat::Kind::kNone;
    Think think;
};

/// True when something new was learned: the same request, written anew, may be accepted now.
bool learn_from_refusal(const EngineError& error, const Asked& asked, const Target& target);

}  // namespace segue::llm::openai_engine
