#include "chat/words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_set>

namespace segue::chat {
namespace {

constexpr std::array kEmpty = std::to_array<std::string_view>(
    {"a",     "about", "above", "after", "all",   "also",   "an",     "and",   "any",   "are",
     "as",    "at",    "be",    "been",  "both",  "but",    "by",     "can",   "could", "did",
     "do",    "does",  "each",  "for",   "from",  "had",    "has",    "have",  "he",    "her",
     "his",   "how",   "if",    "in",    "into",  "is",     "it",     "its",   "may",   "more",
     "most",  "must",  "no",    "not",   "of",    "on",     "one",    "only",  "or",    "other",
     "our",   "out",   "over",  "shall", "she",   "should", "so",     "some",  "such",  "than",
     "that",  "the",   "their", "them",  "then",  "there",  "these",  "they",  "this",  "to",
     "under", "up",    "was",   "we",    "were",  "what",   "when",   "where", "which", "who",
     "will",  "with",  "would", "you",   "your",  "aber",   "als",    "am",    "auch",  "auf",
     "aus",   "bei",   "bis",   "das",   "dass",  "dem",    "den",    "der",   "des",   "die",
     "durch", "ein",   "eine",  "einem", "einen", "einer",  "er",     "es",    "für",   "haben",
     "hat",   "ich",   "ihr",   "im",    "ist",   "kann",   "man",    "mit",   "nach",  "nicht",
     "noch",  "nur",   "oder",  "sich",  "sie",   "sind",   "über",   "um",    "und",   "uns",
     "unter", "vom",   "von",   "vor",   "war",   "wenn",   "werden", "wie",   "wird",  "wo",
     "zu",    "zum",   "zur"});

bool is_empty_word(std::string_view word) {
    return std::find(kEmpty.begin(), kEmpty.end(), word) != kEmpty.end();
}

/// The code point at `at` and its length; a broken byte is one of its own.
char32_t code_point(std::string_view text, std::size_t at, std::size_t& length) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const unsigned first = byte(at);
    const auto follows = [&](std::size_t n) {
        for (std::size_t i = 1; i <= n; ++i)
            if ((byte(at + i) & 0xC0U) != 0x80U) return false;
        return true;
    };
    length = 1;
    if (first < 0x80) return first;
    if ((first & 0xE0U) == 0xC0U && follows(1)) {
        length = 2;
        return ((first & 0x1FU) << 6U) | (byte(at + 1) & 0x3FU);
    }
    if ((first & 0xF0U) == 0xE0U && follows(2)) {
        length = 3;
        return ((first & 0x0FU) << 12U) | ((byte(at + 1) & 0x3FU) << 6U) | (byte(at + 2) & 0x3FU);
    }
    if ((first & 0xF8U) == 0xF0U && follows(3)) {
        length = 4;
        return ((first & 0x07U) << 18U) | ((byte(at + 1) & 0x3FU) << 12U) |
               ((byte(at + 2) & 0x3FU) << 6U) | (byte(at + 3) & 0x3FU);
    }
    return 0xFFFD;
}

bool is_pair_script(char32_t c) {
    return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x2FFFF);
}

/// Letters and digits; everything above Latin-1's signs that is no general or CJK punctuation.
bool is_word(char32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
    if (c == 0xD7 || c == 0xF7 || c == 0xFFFD) return false;
    return !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x303F) &&
           !(c >= 0xFE30 && c <= 0xFE4F) && !(c >= 0xFF00 && c <= 0xFF0F) &&
           !(c >= 0xFF1A && c <= 0xFF20) && !(c >= 0xFF3B && c <= 0xFF40) &&
           !(c >= 0xFF5B && c <= 0xFF65);
}

/// ASCII, Latin-1, Greek and Cyrillic capitals.
void append_lower(char32_t c, std::string_view bytes, std::string& out) {
    if (c >= 'A' && c <= 'Z') {
        out += static_cast<char>(c + 0x20);
    } else if (c >= 0xC0 && c <= 0xDE) {
        out += '\xC3';
        out += static_cast<char>(0x80 + (c + 0x20 - 0xC0));
    } else if ((c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F)) {
        const char32_t lower = c + 0x20;
        out += static_cast<char>(0xC0U | (lower >> 6U));
        out += static_cast<char>(0x80U | (lower & 0x3FU));
    } else {
        out += bytes;
    }
}

/// The same for "point", "points", "pointed" and "pointing".
void cut_ending(std::string& word) {
    for (const std::string_view ending : {"ing", "ed", "es", "en", "s"})
        if (word.size() >= ending.size() + 4 && word.ends_with(ending)) {
            word.resize(word.size() - ending.size());
            break;
        }
    if (word.size() > 4 && word.back() == 'e') word.pop_back();
}

}  // namespace

std::vector<std::string> telling_words(std::string_view text) {
    std::vector<std::string> out;
    std::unordered_set<std::string> seen;
    const auto take = [&](std::string word) {
        if (seen.insert(word).second) out.push_back(std::move(word));
    };
    std::string word;
    std::string before;  // the ideograph before this one
    const auto close = [&] {
        if (!word.empty() && !is_empty_word(word)) {
            const bool number = word[0] >= '0' && word[0] <= '9';
            if (!number) cut_ending(word);
            if (number || word.size() > 1) take(word);
        }
        word.clear();
    };
    for (std::size_t at = 0; at < text.size();) {
        std::size_t length = 1;
        const char32_t c = code_point(text, at, length);
        const std::string_view bytes = text.substr(at, length);
        at += length;
        if (is_pair_script(c)) {
            close();
            if (!before.empty()) take(before + std::string(bytes));
            before = bytes;
            continue;
        }
        before.clear();
        if (is_word(c)) {
            append_lower(c, bytes, word);
        } else {
            close();
        }
    }
    close();
    return out;
}

bool says_too_little(std::string_view question) {
    constexpr std::size_t kFewWords = 3;
    return telling_words(question).size() < kFewWords;
}

std::string behind(std::string_view question_before, std::string_view question) {
    constexpr std::size_t kLongestBefore = 2'000;
    return std::string(question_before.substr(0, kLongestBefore)).append("\n").append(question);
}

}  // namespace segue::chat
