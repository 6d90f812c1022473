/// BERT's WordPiece tokenizer, as the embedding model was trained with it: text in, ids out. The
/// ids equal those of the reference implementation for any text (wordpiece_test.cpp), with one
/// exception on purpose: a document that spells "[SEP]" gets the ids of its characters, not the
/// control token.
///
/// Thread: any; immutable once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace segue::rag {

class WordPiece {
public:
    /// `json` is a tokenizer.json with a WordPiece model; `max_tokens` counts [CLS] and [SEP].
    static Result<WordPiece> from_json(std::string_view json, std::size_t max_tokens);

    /// `[CLS] … [SEP]`, cut to max_tokens. Invalid UTF-8 is dropped, as U+FFFD is.
    std::vector<std::int64_t> encode(std::string_view text) const;

private:
    WordPiece() = default;
    void append_word(std::string_view word, std::vector<std::int64_t>& ids) const;

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Vocabulary = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;
    Vocabulary first_;         // pieces that begin a word
    Vocabulary continuation_;  // pieces written with ##, without the ##
    std::int64_t unknown_ = 0;
    std::int64_t begin_ = 0;
    std::int64_t end_ = 0;
    std::size_t max_tokens_ = 0;
    std::size_t longest_piece_ = 0;  // bytes
};

}  // namespace segue::rag
