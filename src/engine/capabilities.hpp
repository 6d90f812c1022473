/// What the models of an engine can do, learned by small requests once after each (re)start
/// (wire 3.8, "Probes").
#pragma once

#include "engine/engine.hpp"
#include "engine/probe_client.hpp"

namespace segue::engine {

/// Fills ServedModel::capabilities where they are unknown, and the traits. What could not be
/// learned stays unknown and is asked again at the next probe.
void learn_capabilities(ProbeClient& client, EngineFacts& facts, llm::EngineTraits& traits);

}  // namespace segue::engine
