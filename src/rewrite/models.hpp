/// Which model a tag of Ollama's stands for. Facts in a table; nothing is guessed: a tag that is
/// not in it and not in the user's map stays, and is listed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/text/vocabulary.hpp"

namespace segue::rewrite {

struct ModelId {
    std::string id;
    std::uint32_t context = 0;  // the longest it was made for; 0: not known
    bool embeds = false;
    bool gated = false;  // its licence has to be accepted first
    bool exact = true;   // false: the tag was a quantised build of it
};

using ModelMap = std::map<std::string, std::string, std::less<>>;

/// Places of a line that name a model: tags of known families, and families alone ("llama3.2")
/// where `families` says that the line speaks of one.
enum class Families : bool { kNo, kYes };
std::vector<audit::Range> models_in(std::string_view line, Families families);

std::optional<ModelId> model_for(std::string_view tag, const ModelMap& own);

}  // namespace segue::rewrite
