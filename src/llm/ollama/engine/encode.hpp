/// Canonical requests written as Ollama's native request bodies, and what had to be left out
/// (wire 3.12, 5.3).
#pragma once

#include <string>

#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm::ollama {

/// Names under which an engine's refusals are remembered (EngineTraits). Thinking is a matter of
/// the model, so its name carries the model.
std::string no_think_trait(const Target& target);
inline constexpr std::string_view kNoTypeArrays = "tools.type[]";

Outcome<std::string> encode_chat(const ChatRequest& request, const Target& target,
                                 Declarations& declared);

/// `prompt` is the one that this call is for; the request's other prompts have calls of their own.
Outcome<std::string> encode_generate(const CompletionRequest& request, const std::string& prompt,
                                     const Target& target, Declarations& declared);

Outcome<std::string> encode_embed(const EmbedRequest& request, const Target& target,
                                  Declarations& declared);

}  // namespace segue::llm::ollama
