/// Writes documents into the store and takes them out again: passages, postings, term counts and
/// totals, always together in one transaction. A passage that a document had before keeps its row,
/// its postings and its vector.
///
/// One writer at a time over all processes (an advisory lock): the term counts are rows that
/// everybody would wait for anyway, and nobody can deadlock.
///
/// Thread: any. Lifetime: the pool's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/search/types.hpp"
#include "store/pool.hpp"

namespace segue::rag {

struct Written {
    std::int64_t document = 0;
    std::size_t passages = 0;
    std::size_t fresh = 0;  // not in the store before
};

class Index {
public:
    explicit Index(store::Pool& pool) : pool_(pool) {}

    /// Adds or replaces by path. All or none of them. kNotFound: an upload among them, or the
    /// collection, is not there any more.
    Result<std::vector<Written>> write(std::int64_t collection,
                                       std::span<const ReadDocument> documents);
    /// Notes that a document could not be read; what was known of an earlier content goes.
    Result<std::int64_t> write_failed(std::int64_t collection, const FailedDocument& document);
    /// The documents with their passages; how many there were.
    Result<std::size_t> remove(std::span<const std::int64_t> documents);
    /// After much was written: index-only scans need the visibility map, plans need statistics.
    Result<void> settle();

    /// Term counts and totals against what the postings say; "" when they agree, else the first
    /// difference.
    Result<std::string> check();
    /// Makes postings, term counts and totals anew from the passages.
    Result<void> rebuild();

private:
    store::Pool& pool_;
};

/// The text that is indexed and embedded: title, heading path, body.
std::string indexed_text(std::string_view title, const Passage& passage);

}  // namespace segue::rag
