/// Addresses of Ollama's OpenAI-compatible side in code. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace segue::rewrite {

/// "http://localhost:11434" of "http://localhost:11434/v1/"; nothing where the port or the path is
/// another one.
std::optional<std::string> ollama_openai_address(std::string_view url);

}  // namespace segue::rewrite
