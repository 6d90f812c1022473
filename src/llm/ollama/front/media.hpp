/// What the bytes of Ollama's `images` are (wire 3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "llm/chat.hpp"

namespace segue::llm {

/// One element of `images`: base64, which some clients send with a `data:…,` prefix. Nothing, and
/// Go's text in `error`, when it is not base64.
std::optional<Part> read_media(std::string_view text, std::string& error);

}  // namespace segue::llm
