#include "rag/search/snippet.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "rag/text/language.hpp"

namespace segue::rag {
namespace {

constexpr std::size_t kBefore = 60;
constexpr std::size_t kLength = 240;

bool inside_code_point(std::string_view text, std::size_t at) {
    return at < text.size() && continues_code_point(text[at]);
}

/// Back to the beginning of a word, or at least of a code point.
std::size_t word_start(std::string_view text, std::size_t at) {
    const std::size_t least = at > 20 ? at - 20 : 0;
    for (std::size_t i = at; i > least; --i)
        if (text[i - 1] == ' ' || text[i - 1] == '\n') return i;
    while (at > 0 && inside_code_point(text, at))
        --at;
    return at;
}

/// Pairs of characters of unspaced scripts in the question; other words are PostgreSQL's.
std::vector<std::string> pairs_of(std::string_view question) {
    std::vector<std::string> pairs;
    const std::string words = split_words(question);
    for (const auto word : split(words, ' '))
        if (word.size() >= 2 && static_cast<unsigned char>(word.front()) >= 0xE3U)
            pairs.emplace_back(word);
    return pairs;
}

}  // namespace

std::string plain_snippet(std::string_view text, std::string_view question) {
    const auto pairs = pairs_of(question);
    std::vector<bool> marked(text.size(), false);
    std::size_t first = text.size();
    for (const auto& pair : pairs)
        for (auto at = text.find(pair); at != std::string_view::npos;
             at = text.find(pair, at + pair.size())) {
            std::fill_n(marked.begin() + static_cast<std::ptrdiff_t>(at), pair.size(), true);
            first = std::min(first, at);
        }
    const std::size_t from =
        first == text.size() ? 0 : word_start(text, first > kBefore ? first - kBefore : 0);
    std::size_t to = std::min(text.size(), from + kLength);
    if (to < text.size()) to = std::max(word_start(text, to), from + 1);
    while (inside_code_point(text, to))
        ++to;
    std::string out;
    for (std::size_t i = from; i < to; ++i) {
        const bool before = i > from && marked[i - 1];
        if (marked[i] && !before) out += '\x02';
        if (!marked[i] && before) out += '\x03';
        out += text[i] == '\n' ? ' ' : text[i];
    }
    if (to > from && marked[to - 1]) out += '\x03';
    if (from > 0) out.insert(0, "… ");
    if (to < text.size()) out += " …";
    return out;
}

}  // namespace segue::rag
