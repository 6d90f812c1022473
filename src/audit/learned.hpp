/// Finds the names that the repository gave to Ollama's address, service or model (Model::learned)
/// in a file. Pure.
#pragma once

#include "audit/model.hpp"

namespace segue::audit {

/// Adds a token for each use of a learned name, in the places where such a name means it.
void add_learned_tokens(ParsedFile& file, const Model& model);

}  // namespace segue::audit
