#include "rag/text/language.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/text.hpp"

namespace segue::rag {
namespace {

// Frequent words that the other language does not have ("die", "war", "also" are in both).
constexpr std::array<std::string_view, 44> kEnglish{
    "a",   "about",  "and",  "are",  "as",    "at",    "be",    "by",   "can",  "for", "from",
    "has", "have",   "how",  "if",   "into",  "is",    "it",    "its",  "not",  "of",  "on",
    "or",  "should", "that", "the",  "their", "there", "these", "this", "to",   "use", "used",
    "was", "we",     "were", "what", "when",  "which", "who",   "why",  "with", "you", "your"};
constexpr std::array<std::string_view, 44> kGerman{
    "auch", "auf",  "aus",    "bei",   "das",   "dass", "dem",  "den", "der",      "des", "durch",
    "ein",  "eine", "einem",  "einen", "einer", "es",   "für",  "ich", "im",       "ist", "kann",
    "mit",  "nach", "nicht",  "oder",  "sich",  "sie",  "sind", "und", "über",     "um",  "unter",
    "von",  "wenn", "werden", "wie",   "wird",  "zu",   "zum",  "zur", "zwischen", "man", "noch"};

constexpr std::size_t kSample = 8192;

struct Reader {
    std::string_view text;
    std::size_t at = 0;
    /// The next code point; -1 for an invalid byte.
    utf8proc_int32_t next() {
        utf8proc_int32_t c = -1;
        const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
        const auto taken =
            utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
        at += taken > 0 ? static_cast<std::size_t>(taken) : 1;
        return taken > 0 ? c : -1;
    }
    bool more() const { return at < text.size(); }
};

/// Han, Hiragana, Katakana: scripts without spaces between words. (Hangul has them.)
bool is_unspaced(utf8proc_int32_t c) {
    return (c >= 0x3041 && c <= 0x30FF) || (c >= 0x31F0 && c <= 0x31FF) ||
           (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF66 && c <= 0xFF9F) ||
           (c >= 0x20000 && c <= 0x323AF) || c == 0x3005 || c == 0x3007;
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool has_unspaced_script(std::string_view text) {
    for (Reader reader{text}; reader.more();)
        if (is_unspaced(reader.next())) return true;
    return false;
}

std::string_view language_of(std::string_view text) {
    text = text.substr(0, kSample);
    std::size_t english = 0;
    std::size_t german = 0;
    std::size_t words = 0;
    std::size_t other = 0;  // letters of other scripts
    std::string word;
    const auto end_word = [&] {
        if (word.empty()) return;
        ++words;
        english += contains(kEnglish, word) ? 1 : 0;
        german += contains(kGerman, word) ? 1 : 0;
        word.clear();
    };
    std::array<utf8proc_uint8_t, 4> bytes{};
    for (Reader reader{text}; reader.more();) {
        const auto c = reader.next();
        const int category = c < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);
        if (category < UTF8PROC_CATEGORY_LU || category > UTF8PROC_CATEGORY_LO) {
            end_word();
            continue;
        }
        if (c >= 0x370) ++other;
        const auto count = utf8proc_encode_char(utf8proc_tolower(c), bytes.data());
        word.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(count));
    }
    end_word();
    if (other * 2 > text.size() / 2) return "simple";
    if (german > english) return "de";
    // Short texts and tables have few of these words: English is the product's own language.
    if (english > 0 || words < 40) return "en";
    return "simple";
}

std::string split_words(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    std::string before;  // the character before, when it begins a pair
    std::size_t run = 0;
    const auto end_run = [&] {
        if (run == 1) out += before;
        if (run > 0) out += ' ';
        run = 0;
    };
    for (Reader reader{text}; reader.more();) {
        const std::size_t from = reader.at;
        const auto c = reader.next();
        const auto piece = text.substr(from, reader.at - from);
        if (c < 0 || (c < 32 && c != '\n' && c != '\t') || c == 0x7F) {
            end_run();
            out += ' ';
        } else if (is_unspaced(c)) {
            if (run == 0) out += ' ';
            if (run > 0) out.append(before).append(piece).append(" ");
            before = piece;
            ++run;
        } else {
            end_run();
            out += piece;
        }
    }
    end_run();
    return out;
}

}  // namespace segue::rag
