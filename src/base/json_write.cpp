// The writing half of json.hpp: escaping, and the writer.

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::json {
namespace {

/// Bytes that append_escaped() must look at: everything else is copied in runs.
constexpr auto kSpecialBytes = [] {
    std::array<bool, 256> special{};
    for (std::size_t c = 0; c < 256; ++c)
        special[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
    return special;
}();

/// Whether one of eight bytes is special: the words of "Bit Twiddling Hacks" (Anderson, Stanford),
/// "determine if a word has a byte less than n" and "equal to n".
bool any_special(const char* eight) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
    std::uint64_t word = 0;
    std::memcpy(&word, eight, sizeof word);
    const auto zero_byte = [](std::uint64_t w) { return (w - kOnes) & ~w; };
    const std::uint64_t control = (word - kOnes * 0x20U) & ~word;
    return ((word | control | zero_byte(word ^ (kOnes * std::uint64_t{'"'})) |
             zero_byte(word ^ (kOnes * std::uint64_t{'\\'}))) &
            kHighs) != 0;
}

}  // namespace

void append_escaped(std::string_view text, std::string& out) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    const std::size_t start = out.size();
    std::size_t plain = 0;  // start of the run that needs no escape
    const auto flush = [&](std::size_t until, std::size_t next) {
        out.append(text.substr(plain, until - plain));
        plain = next;
    };
    bool high_bytes = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (!kSpecialBytes[c]) {
            while (text.size() - i > 8 && !any_special(text.data() + i + 1))
                i += 8;
            continue;
        }
        if (c >= 0x80) {
            high_bytes = true;
            if (c == 0xC2 && i + 1 < text.size() && text[i + 1] == '\x85') {
                flush(i, i + 2);
                out += "\\u0085";
                ++i;
            } else if (c == 0xE2 && i + 2 < text.size() && text[i + 1] == '\x80' &&
                       (text[i + 2] == '\xA8' || text[i + 2] == '\xA9')) {
                flush(i, i + 3);
                out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
                i += 2;
            }
            continue;
        }
        flush(i, i + 1);
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                out += "\\u00";
                out += kHex[c >> 4];
                out += kHex[c & 15U];
        }
    }
    if (high_bytes && !is_valid_utf8(text)) {
        out.resize(start);  // rare: once more with the repaired text
        append_escaped(replace_invalid_utf8(text), out);
        return;
    }
    out.append(text.substr(plain));
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    append_escaped(text, out);
    out += '"';
    return out;
}

void Writer::separate() {
    if (needs_comma_) out_ += ',';
}

Writer& Writer::open(char bracket) {
    separate();
    out_ += bracket;
    needs_comma_ = false;
    return *this;
}

Writer& Writer::close(char bracket) {
    out_ += bracket;
    needs_comma_ = true;
    return *this;
}

Writer& Writer::key(std::string_view name) {
    separate();
    out_ += '"';
    append_escaped(name, out_);
    out_ += "\":";
    needs_comma_ = false;
    return *this;
}

Writer& Writer::string(std::string_view text) {
    separate();
    out_ += '"';
    append_escaped(text, out_);
    out_ += '"';
    needs_comma_ = true;
    return *this;
}

Writer& Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    needs_comma_ = true;
    return *this;
}

Writer& Writer::integer(std::int64_t value) {
    return raw(fmt::format_int(value).c_str());
}

Writer& Writer::number(double value) {
    if (!std::isfinite(value)) return null();
    char buffer[32];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
    return raw({buffer, static_cast<std::size_t>(end - buffer)});
}

Writer& Writer::boolean(bool value) {
    return raw(value ? "true" : "false");
}
Writer& Writer::null() {
    return raw("null");
}

}  // namespace segue::json
