/// Modelfile PARAMETERs into a profile: one place for the configuration, Ollama's create, and a
/// baseline's /api/show.
#pragma once

#include <string_view>

#include "base/json.hpp"
#include "llm/profile.hpp"

namespace segue::engine {

/// Sampling parameters become Profile::parameters, anything else Profile::parameter_extras. False:
/// the value has the wrong type.
bool set_parameter(llm::Profile& profile, std::string_view name, json::Value value);

}  // namespace segue::engine
