/// A conversation as a file for people (Markdown) or for programs (JSON). Pure.
#pragma once

#include <string>
#include <vector>

#include "chat/types.hpp"

namespace segue::chat {

/// One branch: questions as headings, answers with their sources listed below.
std::string as_markdown(const Conversation& conversation, const std::vector<Message>& branch);
/// The whole tree: every message as the API shows it.
std::string as_json(const Conversation& conversation, const std::vector<Message>& tree);

}  // namespace segue::chat
