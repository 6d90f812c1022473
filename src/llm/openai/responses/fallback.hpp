/// A relay that becomes a translation when the engine has no /v1/responses (wire 5.1: vLLM before
/// 0.10.0).
#pragma once

#include <functional>
#include <memory>

#include "llm/bridge.hpp"

namespace segue::llm::openai {

/// On a 404 that means the route, not the model, `traits` learn it and `second` goes on.
std::unique_ptr<Bridge> make_fallback_bridge(
    std::unique_ptr<Bridge> first, std::shared_ptr<EngineTraits> traits,
    std::function<Outcome<std::unique_ptr<Bridge>>()> second);

}  // namespace segue::llm::openai
