/// The one statement of a search, and its parameters.
///
/// Thread: any; pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rag/search/searcher.hpp"
#include "store/value.hpp"

namespace segue::rag {

enum class Details : bool { kNo, kYes };

struct Statement {
    std::string sql;
    std::vector<store::Parameter> parameters;
};

/// `vector` and `model` both or none: without them the vector leg is empty.
/// Columns: passage, score, keyword rank, score, scaled, vector rank, score, scaled, total; with
/// details also: terms, document, collection, title, path, type, heading, body, snippet, page,
/// first line, last line, ordinal.
Statement search_statement(const SearchRequest& request, const std::optional<Vector>& vector,
                           const std::optional<StoredModel>& model, Details details,
                           int exact_up_to = kExactUpTo);

}  // namespace segue::rag
