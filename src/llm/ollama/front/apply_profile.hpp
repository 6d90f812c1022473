/// What Ollama's server adds to a request from the model's own file, done here because the engine
/// behind is not Ollama (wire 1.5, 3.1): SYSTEM, MESSAGEs, PARAMETERs, the sampling defaults, the
/// thinking default, and its refusals by capability. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "llm/chat.hpp"
#include "llm/failure.hpp"
#include "llm/ollama/front/endpoint.hpp"
#include "llm/target.hpp"

namespace segue::llm {

/// Ollama's 400 when a capability is known to be missing.
std::optional<Failure> refuse_missing_capability(OllamaEndpoint endpoint,
                                                 const ChatRequest& request, const Target& target);

/// request > profile > sampling_defaults. `extras` gets the profile's engine-native options that
/// the request does not name.
void apply_sampling(const Profile& profile, Sampling& sampling, std::vector<Extra>& extras);

/// SYSTEM and MESSAGEs before the request's, thinking of old turns removed, sampling, the thinking
/// default.
void apply_profile(OllamaEndpoint endpoint, const Target& target, ChatRequest& request);

}  // namespace segue::llm
