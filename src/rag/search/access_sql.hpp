/// The pieces of SQL that decide who sees what: written once, used in each statement's WHERE.
///
/// Thread: any; pure functions. `c` is the collection in the statement around them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace segue::rag {

/// Whether the reader with these parameters (bool, role, person) may `level` the collection.
inline std::string access_condition(std::string_view level, std::string_view everything,
                                    std::string_view role, std::string_view person) {
    return fmt::format(
        "({}::boolean OR EXISTS (SELECT FROM collection_grant g WHERE g.collection = c.id AND "
        "g.level IN ('write'{}) AND (g.kind = 'everyone' OR (g.kind = 'role' AND g.subject = "
        "{}::text) OR (g.kind = 'person' AND g.subject = {}::text))))",
        everything, level == "read" ? ", 'read'" : "", role, person);
}

/// The grants of a collection as a JSON text.
inline std::string grants_sql(std::string_view level) {
    return fmt::format(
        "coalesce((SELECT json_agg(json_build_object('kind', g.kind, 'id', g.subject) ORDER BY "
        "g.kind, g.subject)::text FROM collection_grant g WHERE g.collection = c.id AND g.level = "
        "'{}'), '[]')",
        level);
}

inline std::string like_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}
/// "…text…" for LIKE.
inline std::string like_contains(std::string_view text) {
    return "%" + like_escape(text) + "%";
}
/// A pattern with `*` for LIKE.
inline std::string like_glob(std::string_view pattern) {
    return replace_all(like_escape(pattern), "*", "%");
}

}  // namespace segue::rag
