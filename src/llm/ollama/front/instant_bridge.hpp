/// Bridges that need no answer from the model: the load and unload forms and empty embedding inputs
/// on an engine that is not Ollama (wire 1.8, 1.9, 3.9).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "llm/bridge.hpp"
#include "llm/ollama/front/encode.hpp"

namespace segue::llm {

/// Complete in start(), without a call.
std::unique_ptr<Bridge> make_instant_bridge(std::string body);

struct LoadForm {
    OllamaEncoding::Shape shape = OllamaEncoding::Shape::kChat;
    std::string model;
    FinishReason reason = FinishReason::kLoad;  // or kUnload
};
/// With profile.sleep_on_unload the engine is woken or sent to sleep first (vLLM's development
/// routes; a server without them answers 404, and the client still gets its object).
std::unique_ptr<Bridge> make_load_bridge(LoadForm form, BridgeContext context);

}  // namespace segue::llm
