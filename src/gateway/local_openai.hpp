/// /v1/models in Segue's names (wire 3.11), in Anthropic's shape for a client that says which
/// version of that API it speaks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.hpp"
#include "llm/failure.hpp"

namespace segue::gateway {

/// `collections` stand behind each model that chats (retriever.hpp).
LocalAnswer openai_models(const Snapshot& snapshot, const KeyHolder* caller,
                          const std::vector<std::string>& collections, bool anthropic);
/// `id` as the client means it, percent-decoded; with a collection behind it or without.
llm::Outcome<LocalAnswer> openai_model(const Snapshot& snapshot, const KeyHolder* caller,
                                       std::string_view id, bool anthropic);

}  // namespace segue::gateway
