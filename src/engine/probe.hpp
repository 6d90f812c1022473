/// Asks an engine what it is, whether it is well, what it serves, how busy it is
/// (wire 2.1, 2.7, 3.8). Blocking; runs on the registry's own threads or in a command.
#pragma once

#include "base/clock.hpp"
#include "engine/engine.hpp"

namespace segue::engine {

/// New facts; `engine`'s earlier facts say what need not be asked again, its traits are taught.
/// Never fails: an engine that cannot be reached is kDown with a problem that says why.
EngineFacts probe_engine(const Engine& engine, const Clock& clock);

/// The gauges of vLLM's /metrics that say how busy it is, summed over `engine` labels (cache usage:
/// the largest).
EngineLoad parse_vllm_load(std::string_view prometheus_text);

}  // namespace segue::engine
