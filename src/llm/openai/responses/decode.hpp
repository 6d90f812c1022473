/// A Responses request as the chat request that asks the same (wire 1.13).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"

namespace segue::llm::openai {

Outcome<ChatRequest> decode_responses(json::Value body, Declarations& declared);

/// Members that the answer repeats, name and exact JSON: the request's, else OpenAI's defaults.
using ResponsesEcho = std::vector<std::pair<std::string, std::string>>;
ResponsesEcho responses_echo(json::Value body);

}  // namespace segue::llm::openai
