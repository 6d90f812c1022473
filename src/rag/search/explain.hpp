/// How a hit came to its score, as JSON: for `segue search --explain --json` and the API alike.
/// Pure.
#pragma once

#include "base/json.hpp"
#include "rag/search/searcher.hpp"

namespace segue::rag {

/// The member "explain" of the object that is open: rank, score and scaled score of both legs (null
/// where the hit is not among a leg's first), and the terms.
void write_explain(json::Writer& w, const Hit& hit);

}  // namespace segue::rag
