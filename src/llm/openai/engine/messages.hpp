/// The history as chat/completions wants it (wire 3.2).
#pragma once

#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

/// Done once for a request, before anything is dropped from it, so that made ids stay what they
/// are: every tool call has an id and arguments in one form, every tool result the id of its call,
/// and old thinking is out of the content.
std::vector<Message> prepare_messages(std::vector<Message> messages, const Profile& profile);

/// Writes the array, repaired as the model's template demands (profile, or learned from a 400).
void write_messages(const std::vector<Message>& messages, const Target& target,
                    json::Writer& writer);

}  // namespace segue::llm::openai_engine
