/// OpenAI's Responses API (wire 1.13, 2.5): relayed to an engine that has it, else built from chat.
#pragma once

#include <memory>
#include <string_view>

#include "llm/bridge.hpp"

namespace segue::llm {

Outcome<std::unique_ptr<FrontRequest>> decode_responses_request(std::string body);

}  // namespace segue::llm
