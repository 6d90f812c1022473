#include "rag/embed/wordpiece.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "rag/embed/wordpiece_points.hpp"

namespace segue::rag {
namespace {

constexpr std::size_t kLongestWord = 100;  // code points; the model's max_input_chars_per_word

/// The category by which the reference decides.
int category_of(utf8proc_int32_t c) {
    if (c < 0x0600) return utf8proc_category(c);
    if (is_letter_to_the_reference(c)) return UTF8PROC_CATEGORY_LO;
    if (c == 0x166D || c == 0x111C9) return UTF8PROC_CATEGORY_PO;
    if (c == 0x1734) return UTF8PROC_CATEGORY_MN;
    return utf8proc_category(c);
}

bool is_cjk_ideograph(utf8proc_int32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// The reference drops these before it looks at white space: U+000B and U+0085 join words. Code
/// points that are not assigned stay.
bool is_dropped(utf8proc_int32_t c, int category) {
    if (c == 0 || c == 0xFFFD) return true;
    if (c == '\t' || c == '\n' || c == '\r') return false;
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CS;
}

bool is_space(utf8proc_int32_t c, int category) {
    return c == '\t' || c == '\n' || c == '\r' || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_punctuation(utf8proc_int32_t c, int category) {
    if (c < 128)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

void append(utf8proc_int32_t c, std::string& out) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto count = utf8proc_encode_char(c, bytes.data());
    for (utf8proc_ssize_t i = 0; i < count; ++i)
        out.push_back(static_cast<char>(bytes[static_cast<std::size_t>(i)]));
}

/// Normalises code point by code point and calls `word(text)` for each word.
template <class Word>
class Splitter {
public:
    explicit Splitter(Word word) : word_(std::move(word)) {}

    void put(utf8proc_int32_t c) {
        const int category = category_of(c);
        if (is_dropped(c, category)) return;
        if (is_space(c, category)) return flush();
        const bool alone = is_cjk_ideograph(c);
        if (alone) flush();
        if (c < 128) {
            put_normal(c);
        } else {
            std::array<utf8proc_int32_t, 32> parts{};
            int last = 0;
            const auto count = utf8proc_decompose_char(c, parts.data(), std::ssize(parts),
                                                       UTF8PROC_DECOMPOSE, &last);
            for (utf8proc_ssize_t i = 0; i < std::min(count, std::ssize(parts)); ++i)
                put_normal(parts[static_cast<std::size_t>(i)]);
        }
        if (alone) flush();
    }
    void flush() {
        if (!current_.empty()) word_(current_);
        current_.clear();
    }

private:
    void put_normal(utf8proc_int32_t c) {
        if (category_of(c) == UTF8PROC_CATEGORY_MN) return;
        c = utf8proc_tolower(c);
        const int category = category_of(c);
        if (is_space(c, category)) return flush();
        if (!is_punctuation(c, category)) return append(c, current_);
        flush();
        append(c, current_);
        flush();
    }

    Word word_;
    std::string current_;
};

}  // namespace

Result<WordPiece> WordPiece::from_json(std::string_view text, std::size_t max_tokens) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root)
        return fail(Fault::kInvalid,
                    fmt::format("the tokenizer of the embedding model is no JSON: {}; fetch it "
                                "again with 'make deps'",
                                root.error().reason));
    const auto model = (*root)["model"];
    const auto vocabulary = model["vocab"];
    if (model["type"].string("WordPiece") != "WordPiece" || !vocabulary.is_object())
        return fail(
            Fault::kInvalid,
            "the tokenizer of the embedding model is no WordPiece tokenizer; only BERT-like "
            "models run inside the program");
    WordPiece made;
    made.max_tokens_ = std::max<std::size_t>(max_tokens, 2);
    for (const auto entry : vocabulary) {
        const auto id = entry.integer();
        if (!id)
            return fail(Fault::kInvalid, "the tokenizer's vocabulary has an id that is no integer");
        std::string_view piece = entry.key();
        const bool continues = piece.size() > 2 && piece.starts_with("##");
        if (continues) piece.remove_prefix(2);
        made.longest_piece_ = std::max(made.longest_piece_, piece.size());
        (continues ? made.continuation_ : made.first_).emplace(piece, *id);
    }
    const std::array<std::pair<std::string_view, std::int64_t*>, 3> special{
        {{"[UNK]", &made.unknown_}, {"[CLS]", &made.begin_}, {"[SEP]", &made.end_}}};
    for (const auto& [name, id] : special) {
        const auto found = made.first_.find(name);
        if (found == made.first_.end())
            return fail(Fault::kInvalid, fmt::format("the tokenizer's vocabulary lacks {}", name));
        *id = found->second;
    }
    return made;
}

void WordPiece::append_word(std::string_view word, std::vector<std::int64_t>& ids) const {
    const auto code_points =
        std::count_if(word.begin(), word.end(), [](char c) { return !continues_code_point(c); });
    if (static_cast<std::size_t>(code_points) > kLongestWord) {
        ids.push_back(unknown_);
        return;
    }
    const std::size_t before = ids.size();
    std::size_t at = 0;
    while (at < word.size()) {
        const auto& side = at == 0 ? first_ : continuation_;
        std::size_t end = std::min(word.size(), at + longest_piece_);
        auto found = side.end();
        // A cut inside a code point matches no piece, for every piece is valid UTF-8.
        for (; end > at; --end)
            if (found = side.find(word.substr(at, end - at)); found != side.end()) break;
        if (end == at) {
            ids.resize(before);
            ids.push_back(unknown_);
            return;
        }
        ids.push_back(found->second);
        at = end;
    }
}

std::vector<std::int64_t> WordPiece::encode(std::string_view text) const {
    std::vector<std::int64_t> ids{begin_};
    Splitter splitter([&](std::string_view word) {
        if (ids.size() < max_tokens_) append_word(word, ids);
    });
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0 && ids.size() < max_tokens_) {
        utf8proc_int32_t c = 0;
        const auto taken = std::max<utf8proc_ssize_t>(utf8proc_iterate(bytes, left, &c), 0);
        if (taken > 0) splitter.put(c);
        bytes += std::max<utf8proc_ssize_t>(taken, 1);
        left -= std::max<utf8proc_ssize_t>(taken, 1);
    }
    splitter.flush();
    if (ids.size() > max_tokens_ - 1) ids.resize(max_tokens_ - 1);
    ids.push_back(end_);
    return ids;
}

}  // namespace segue::rag
