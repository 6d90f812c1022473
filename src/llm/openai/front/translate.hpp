/// OpenAI requests bridged to an Ollama engine: decoded, asked natively, answered in OpenAI's words
/// (wire 3.12).
#pragma once

#include <memory>
#include <string_view>

#include "base/json.hpp"
#include "llm/bridge.hpp"

namespace segue::llm::openai {

Outcome<std::unique_ptr<Bridge>> translate_chat(json::Value body, BridgeContext context);
Outcome<std::unique_ptr<Bridge>> translate_completion(json::Value body, BridgeContext context);
Outcome<std::unique_ptr<Bridge>> translate_embed(json::Value body, BridgeContext context);

}  // namespace segue::llm::openai
