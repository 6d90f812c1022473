/// Wakes an engine that sleeps (vLLM's sleep mode) before the request that needs it: the first
/// thing sent is POST /wake_up, and the bridge behind it begins when that was answered. The time
/// counts as load_duration, as Ollama's loading does (wire 3.9, C47).
#pragma once

#include <memory>

#include "llm/bridge.hpp"

namespace segue::gateway {

std::unique_ptr<llm::Bridge> make_waking_bridge(std::unique_ptr<llm::Bridge> behind);

}  // namespace segue::gateway
