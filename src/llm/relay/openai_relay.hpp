/// OpenAI client, OpenAI engine: bytes go through; only the model's name is replaced, and small
/// repairs are made (wire 3.11).
#pragma once

#include <memory>

#include "llm/bridge.hpp"
#include "llm/relay/openai_request.hpp"

namespace segue::llm {

std::unique_ptr<Bridge> make_openai_relay(BridgeContext context, OpenAiRelayRequest request);

}  // namespace segue::llm
