/// vLLM's checks that need no more than the request and the options: types, ranges, names. Internal
/// to the rehearsal engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/rehearsal/vllm_request.hpp"

namespace segue::engine::rehearsal {

/// "1 validation error:\n  {'type': …}" as pydantic's errors reach the client.
VllmRefusal pydantic_refusal(std::string_view type, std::string location, std::string_view message,
                             std::string_view input);
std::optional<VllmRefusal> check_types(json::Value request);
std::optional<VllmRefusal> check_values(json::Value request, const EngineState& state);

}  // namespace segue::engine::rehearsal
