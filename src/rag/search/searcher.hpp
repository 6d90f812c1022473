/// Searches passages: BM25 and vectors, fused, in one statement; access rights and filters stand in
/// the WHERE of both legs.
///
/// score = 0.5 · minmax(BM25) + 0.5 · minmax(cosine) over the best 100 of each leg, ties by
/// passage: the same question gives the same list.
///
/// Thread: any. Lifetime: the pool's and the question embedder's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/search/types.hpp"
#include "rag/search/vectors.hpp"
#include "store/pool.hpp"

namespace segue::rag {

struct SearchRequest {
    std::string query;
    Reader reader;
    std::vector<std::string> collections;  // slugs; none: all that the reader may read
    std::string path;                      // a pattern with *
    std::vector<std::string> types;
    std::optional<WallTime> since;
    std::optional<WallTime> until;
    std::size_t limit = 10;
    Mode mode = Mode::kHybrid;
    Ranking ranking;
};

/// One leg's view of a passage: rank in its list of 100 and score, or nothing when it is not there.
struct Leg {
    std::optional<int> rank;
    std::optional<double> score;
    double scaled = 0;  // 0 to 1 within its list
};

struct Hit {
    std::int64_t passage = 0;
    double score = 0;
    Leg keyword;
    Leg vector;
    std::vector<std::string> terms;  // that were found, as the index has them
    std::int64_t document = 0;
    std::string collection;
    std::string title;
    std::string path;
    std::string type;
    std::vector<std::string> heading;
    std::string text;
    std::string snippet;  // matches between U+0002 and U+0003
    Place place;
    int ordinal = 0;
};

enum class VectorUse : std::uint8_t { kUsed, kUnavailable, kNotAsked };
std::string_view vector_use_name(VectorUse use);

struct SearchResult {
    std::vector<Hit> hits;
    std::int64_t total = 0;  // found before `limit`
    Mode mode = Mode::kHybrid;
    VectorUse vector = VectorUse::kNotAsked;
};

/// A passage and its score, nothing else.
struct Ranked {
    std::int64_t passage = 0;
    double score = 0;
};

/// Passages taken from each leg, and the most that a search answers.
inline constexpr int kLegDepth = 100;
inline constexpr std::size_t kLongestQuestion = 32 * 1024;
/// Up to so many passages after filters, each is looked at; above, HNSW.
inline constexpr int kExactUpTo = 10'000;

class Searcher {
public:
    /// `embedder` may be null: then search goes by keywords only.
    Searcher(store::Pool& pool, const Embedder* embedder, int exact_up_to = kExactUpTo)
        : pool_(pool), embedder_(embedder), exact_up_to_(exact_up_to) {}

    Result<SearchResult> search(const SearchRequest& request) const;
    /// Only ids and scores, without texts: what `segue rag eval` measures.
    Result<std::vector<Ranked>> rank(const SearchRequest& request,
                                     const std::optional<Vector>& vector) const;
    /// The question's vector, when the model that made the stored ones is at hand.
    std::optional<Vector> question_vector(std::string_view question) const;

private:
    Result<std::optional<StoredModel>> usable_model() const;

    store::Pool& pool_;
    const Embedder* embedder_;
    int exact_up_to_;
};

}  // namespace segue::rag
