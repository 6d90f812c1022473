/// The Anthropic front: a body of /v1/messages or /v1/messages/count_tokens becomes a FrontRequest
/// (wire 3.13).
#pragma once

#include <memory>
#include <string_view>

#include "llm/bridge.hpp"

namespace segue::llm {

Outcome<std::unique_ptr<FrontRequest>> decode_anthropic_request(std::string_view body);
Outcome<std::unique_ptr<FrontRequest>> decode_anthropic_count_request(std::string_view body);

}  // namespace segue::llm
