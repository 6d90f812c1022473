/// Messages and tools of Ollama's chat (wire 1.5, 3.2).
#pragma once

#include <vector>

#include "llm/chat.hpp"
#include "llm/ollama/front/go_fields.hpp"

namespace segue::llm {

std::vector<Message> read_messages(json::Value messages, GoErrors& errors);
/// Each tool's exact text.
std::vector<std::string> read_tools(json::Value tools, const GoFields& request);
/// An `images` array of a message or of generate.
std::vector<Part> read_images(const GoFields& owner);

}  // namespace segue::llm
