/// Ollama's model names: `[host/][namespace/]model[:tag]` (wire 1.4). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace segue::llm {

/// The shortest form, in lower case and always with its tag: "Llama3.1:8B" and
/// "registry.ollama.ai/library/llama3.1:8b" are both "llama3.1:8b". Nothing when the name is not
/// allowed.
std::optional<std::string> canonical_model_name(std::string_view name);

/// The long form, as Ollama's capability errors name a model:
/// "registry.ollama.ai/library/m:latest". Case is kept. A name that is not allowed comes back as it
/// is.
std::string full_model_name(std::string_view name);

/// As "/api/show" names an unknown model: the shortest form with its tag, case kept.
std::string short_model_name(std::string_view name);

/// True for "m:local:cloud" and the like, which Ollama refuses with a text of its own (wire 1.3).
bool has_both_source_suffixes(std::string_view name);

}  // namespace segue::llm
