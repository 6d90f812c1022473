/// Native options and request fields: what they are called in OpenAI's request (wire facts in
/// docs/compatibility.md). A table; pure.
#pragma once

#include <optional>
#include <string_view>

namespace segue::rewrite {

struct NewOption {
    std::string_view name;       // empty: it has no counterpart and goes
    bool extra = false;          // vLLM's own: in extra_body where a client checks names
    std::string_view because{};  // said in the to-do when it goes
};

/// Nothing: not an option of Ollama's.
std::optional<NewOption> new_option(std::string_view name);

}  // namespace segue::rewrite
