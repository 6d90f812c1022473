/// Tool definitions made simpler for Ollama before 0.6.6 (wire 5.3).
#pragma once

#include <string>
#include <string_view>

namespace segue::llm::ollama {

/// Every `"type": [...]` inside becomes its first type that is not null: `["string","null"]` ->
/// `"string"`. Everything else keeps its exact text. Not JSON: returned as it is.
std::string single_types(std::string_view tool_json);

}  // namespace segue::llm::ollama
