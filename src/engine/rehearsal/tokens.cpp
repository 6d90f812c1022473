#include "engine/rehearsal/tokens.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <array>

namespace segue::engine::rehearsal {
namespace {

constexpr std::array<std::string_view, 7> kMarks{"<|im_start|>", "<|im_end|>", "<|endoftext|>",
                                                 "<think>",      "</think>",   "<tool_call>",
                                                 "</tool_call>"};
// What byte-pair encoders make of JSON's punctuation; longest first.
constexpr std::array<std::string_view, 5> kJson{" {\"", "{\"", "\":", "\",", " \""};
// A word that the recorded model's small vocabulary has no piece for (recording "chat_stream").
constexpr std::string_view kUncommon = "France";
// The one number of the recordings that is a piece of its own (recording "chat_tool_result").
constexpr std::string_view kCommonNumber = "21";
constexpr std::array<std::string_view, 4> kUncommonPieces{"F", "r", "an", "ce"};
// Longer words are several pieces in every real vocabulary.
constexpr std::size_t kLongestWord = 12;
constexpr std::size_t kPartOfLongWord = 6;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
template <std::size_t N>
std::string_view starts_with_one_of(std::string_view text,
                                    const std::array<std::string_view, N>& list) {
    for (std::string_view entry : list) {
        if (text.substr(0, entry.size()) == entry) return entry;
    }
    return {};
}

void add_word(std::string_view space, std::string_view word, std::vector<std::string>& out) {
    if (word == kUncommon) {
        for (std::string_view part : kUncommonPieces) {
            out.emplace_back(std::string(space) + std::string(part));
            space = {};
        }
        return;
    }
    const bool after_quote = space.empty() && !out.empty() && out.back().back() == '"';
    if (after_quote && word.size() > 1 && is_upper(word[0])) {
        out.emplace_back(word.substr(0, 1));
        out.emplace_back(word.substr(1));
        return;
    }
    if (word.size() <= kLongestWord) {
        out.emplace_back(std::string(space) + std::string(word));
        return;
    }
    std::size_t at = 0;
    while (at < word.size()) {
        std::size_t end = std::min(word.size(), at + kPartOfLongWord);
        while (end < word.size() && continues_code_point(word[end]))
            ++end;
        out.emplace_back(std::string(at == 0 ? space : "") +
                         std::string(word.substr(at, end - at)));
        at = end;
    }
}

}  // namespace

std::vector<std::string> split_tokens(std::string_view text) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::string_view rest = text.substr(at);
        std::string_view fixed = starts_with_one_of(rest, kMarks);
        if (fixed.empty()) fixed = starts_with_one_of(rest, kJson);
        if (!fixed.empty()) {
            out.emplace_back(fixed);
            at += fixed.size();
            continue;
        }
        const std::string_view space = rest.size() > 1 && rest[0] == ' ' ? rest.substr(0, 1) : "";
        const std::string_view body = rest.substr(space.size());
        if (is_letter(body[0]) || (body[0] == '_' && body.size() > 1 && is_letter(body[1]))) {
            std::size_t end = 1;
            while (end < body.size() && is_letter(body[end]))
                ++end;
            add_word(space, body.substr(0, end), out);
            at += space.size() + end;
        } else if (is_digit(body[0])) {
            const bool is_common =
                body.starts_with(kCommonNumber) && !(body.size() > 2 && is_digit(body[2]));
            const std::size_t digits = is_common ? kCommonNumber.size() : 1;
            out.emplace_back(rest.substr(0, space.size() + digits));
            at += space.size() + digits;
        } else if (!space.empty() && (body[0] == ' ' || body[0] == '\n' || body[0] == '<')) {
            out.emplace_back(space);
            at += 1;
        } else {
            out.emplace_back(rest.substr(0, space.size() + 1));
            at += space.size() + 1;
        }
    }
    return out;
}

std::size_t count_tokens(std::string_view text) {
    return split_tokens(text).size();
}

namespace {
// Ids 3 to 96 are the printable ASCII characters, as in the recorded model (recording
// "detokenize").
constexpr std::int64_t kFirstCharacter = 3;
constexpr std::int64_t kLastCharacter = 96;
constexpr std::int64_t kFirstPiece = 97;
}  // namespace

std::vector<std::int64_t> Vocabulary::encode(std::string_view text) {
    std::vector<std::int64_t> out;
    for (std::string& piece : split_tokens(text)) {
        if (piece.size() == 1 && piece[0] >= '!' && piece[0] <= '~') {
            out.push_back(kFirstCharacter + (piece[0] - '!'));
            continue;
        }
        const auto [entry, is_new] =
            ids_.try_emplace(piece, kFirstPiece + static_cast<std::int64_t>(pieces_.size()));
        if (is_new) pieces_.push_back(std::move(piece));
        out.push_back(entry->second);
    }
    return out;
}

std::string_view Vocabulary::piece(std::int64_t id) const {
    static constexpr std::string_view kPrintable =
        "!\"#$%&'()*+,-./"
        "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    if (id >= kFirstCharacter && id <= kLastCharacter) {
        return kPrintable.substr(static_cast<std::size_t>(id - kFirstCharacter), 1);
    }
    const std::int64_t index = id - kFirstPiece;
    if (index < 0 || index >= static_cast<std::int64_t>(pieces_.size())) return "\xEF\xBF\xBD";
    return pieces_[static_cast<std::size_t>(index)];
}

std::string Vocabulary::decode(std::span<const std::int64_t> ids) const {
    std::string out;
    for (std::int64_t id : ids)
        out += piece(id);
    return out;
}

}  // namespace segue::engine::rehearsal
