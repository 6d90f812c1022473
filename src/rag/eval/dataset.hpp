/// A test collection for retrieval: documents, questions, and which document answers which.
///
/// Thread: values.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace segue::rag::eval {

struct TestDocument {
    std::string id;
    std::string title;
    std::string text;
};

struct Question {
    std::string id;
    std::string text;
    std::map<std::string, int, std::less<>> grades;  // of documents that were judged
};

struct Dataset {
    std::string name;
    std::vector<TestDocument> documents;
    std::vector<Question> questions;  // only those with at least one relevant document
    std::size_t unjudged = 0;         // questions without one, left out
    std::size_t judgements = 0;
};

/// `folder` holds docs.jsonl, queries.tsv, qrels.tsv; or BEIR's corpus.jsonl, queries.jsonl,
/// qrels/test.tsv (each form of each part is taken). Errors name file and line.
Result<Dataset> read_dataset(const std::string& folder);

}  // namespace segue::rag::eval
