/// Bodies of /v1/messages and /v1/messages/count_tokens -> canonical requests (wire 1.14, 3.13).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"

namespace segue::llm::anthropic {

enum class Purpose : std::uint8_t { kAnswer, kCount };

/// `max_tokens` is required only where an answer is wanted.
Outcome<ChatRequest> decode_messages_request(json::Value body, Purpose purpose,
                                             Declarations& declared);

/// `system`: a string or text blocks. Nothing when it is absent or says nothing to the model.
Outcome<std::optional<Message>> decode_system(json::Value system);

/// One turn gives several messages: its tool results first, then the rest.
Outcome<std::vector<Message>> decode_turns(json::Value turns, Declarations& declared);

}  // namespace segue::llm::anthropic
