/// What becomes of request members that the canonical form has no word for, when an Ollama engine
/// answers (wire 1.7, 3.12).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/declarations.hpp"

namespace segue::llm::ollama {

enum class ExtraFate : std::uint8_t {
    kOption,    // one of Ollama's options: sent
    kTopLevel,  // a member of Ollama's request: sent
    kHint,      // left out: speed, memory or bookkeeping only
    kSemantic,  // left out: may change the answer
};
ExtraFate extra_fate(std::string_view name);

/// True when leaving the member out changes nothing: null, empty, or the value that means "as
/// always".
bool is_neutral(const Extra& extra);

/// Declares what cannot be sent.
void declare_extras(const std::vector<Extra>& extras, Declarations& declared);

/// Writes the extras that are options into the open `options` object.
void write_option_extras(const std::vector<Extra>& extras, json::Writer& writer);
void write_top_level_extras(const std::vector<Extra>& extras, json::Writer& writer);

}  // namespace segue::llm::ollama
