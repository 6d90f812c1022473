/// Measures retrieval on a test collection: the real index, the real statements, in a schema of its
/// own that is gone afterwards.
///
/// Thread: the caller's; embedding uses the embedder's own. Lifetime: of the call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/eval/dataset.hpp"
#include "rag/eval/metrics.hpp"
#include "rag/search/searcher.hpp"

namespace segue::rag::eval {

/// One way to search that is measured.
struct Setting {
    std::string name;  // as it was written
    Mode mode = Mode::kHybrid;
    Ranking ranking;
};
/// "hybrid", "keyword:k1=0.9,b=0.4", "hybrid:weight=0.3", "hybrid:rrf=60".
Result<Setting> parse_setting(std::string_view text);

struct Measured {
    double value = 0;
    Interval interval;
};
struct Run {
    std::string name;
    Measured ndcg10, recall100, mrr10;
    double p50_ms = 0;  // a question from text to ranked list, its embedding included
    double p95_ms = 0;
    double embedding_p50_ms = 0;
    std::vector<Quality> questions;  // in the dataset's order
};
/// Second minus first, question by question.
struct Difference {
    std::string metric;
    double mean = 0;
    Interval interval;
    double p = 1;
};
struct Report {
    std::vector<Run> runs;
    std::string model;           // "" = no vectors
    std::string without_vector;  // why not
    double index_seconds = 0;    // found by keyword
    double embedding_seconds = 0;
};

struct EvaluationOptions {
    std::function<Result<std::string>()>
        endpoint;  // where the database is (store::Store::endpoint)
    const Embedder* embedder = nullptr;
    std::string without_embedder;  // why there is none
    std::string language;          // "" = of the documents
    std::vector<Setting> settings;
    std::function<void(std::string_view)> progress;  // one line that replaces the last one
    std::function<bool()> cancelled;                 // asked between pieces of work
};

Result<Report> evaluate(const Dataset& dataset, const EvaluationOptions& options);
std::vector<Difference> compare(const Run& first, const Run& second);

}  // namespace segue::rag::eval
