/// A document as the parsers hand it on: blocks in order, each with its place. The cutter makes
/// passages of it.
///
/// Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "rag/search/types.hpp"

namespace segue::rag {

struct Block {
    enum class Kind : std::uint8_t {
        kHeading,    // `level` 1 to 6
        kParagraph,  // may be cut between sentences
        kCode,       // may be cut between lines only; one function where the language is known
        kTable,      // the first line is the header, repeated in each passage; cut between rows
    } kind = Kind::kParagraph;
    int level = 0;
    std::string text;
    Place place;
};

struct Parsed {
    std::string title;  // its own one; "" = it has none
    int pages = 0;
    std::vector<Block> blocks;
};

/// About as many tokens as an English model's tokenizer makes of it; the same on every machine,
/// with or without a model.
std::size_t estimated_tokens(std::string_view text);

/// Passages of about 300 tokens that end at headings, then paragraphs, then sentences, then words;
/// never inside a word or a code point. Tables repeat their header.
std::vector<Passage> cut(const Parsed& parsed);

/// A text as the store takes it: valid UTF-8, no control characters but line feeds and tabs, spaces
/// at line ends gone.
std::string clean_text(std::string_view text);

}  // namespace segue::rag
