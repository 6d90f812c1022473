/// What the chat needs of retrieval; src/serve hands an implementation over src/rag in.
///
/// Thread: any; blocks. Lifetime: longer than the chat's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "chat/types.hpp"

namespace segue::chat {

struct Found {
    std::vector<Source> sources;  // best first, numbered from 1
    /// "used", "unavailable" (no model, or nothing is embedded yet), "not_asked".
    std::string vector = "not_asked";
};

class Retrieval {
public:
    virtual ~Retrieval() = default;
    /// Passages that may answer the question, of those collections that the person may read; none
    /// when nothing matches. A collection that the person may not read does not exist: kNotFound
    /// names those that do.
    virtual Result<Found> search(const Person& person, std::string_view question,
                                 const std::vector<std::string>& collections,
                                 std::size_t limit) = 0;
    /// Ids of the collections that the person may read.
    virtual Result<std::vector<std::string>> readable(const Person& person) = 0;
    /// Names for people, of ids.
    virtual std::vector<std::string> names(const std::vector<std::string>& collections) = 0;
};

}  // namespace segue::chat
