/// What language a text is in, as far as search needs to know: which stemmer and stop words, and
/// how to make words of scripts that write none.
///
/// Thread: any; pure functions.
#pragma once

#include <string>
#include <string_view>

namespace segue::rag {

/// "en", "de", or "simple" for everything else (no stemming, no stop words): rows of table stat.
std::string_view language_of(std::string_view text);

/// Runs of Chinese and Japanese characters become overlapping pairs with spaces around them, which
/// is what finds words there without a dictionary: "東京都" → "東京 京都". Everything else stays.
/// Control characters and invalid UTF-8 become spaces.
std::string split_words(std::string_view text);

/// True when split_words would make pairs.
bool has_unspaced_script(std::string_view text);

}  // namespace segue::rag
