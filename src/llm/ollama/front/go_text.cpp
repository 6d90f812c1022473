// Go's way of writing strings, durations and numbers. See go_json.hpp.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.hpp"
#include "llm/ollama/front/go_json.hpp"

namespace segue::llm {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (is_digit(c)) return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

struct Unit {
    std::string_view name;
    std::uint64_t nanoseconds;
};
constexpr std::array kUnits{Unit{"ns", 1},
                            Unit{"us", 1'000},
                            Unit{"\xC2\xB5s", 1'000},  // U+00B5
                            Unit{"\xCE\xBCs", 1'000},  // U+03BC
                            Unit{"ms", 1'000'000},
                            Unit{"s", 1'000'000'000},
                            Unit{"m", 60'000'000'000},
                            Unit{"h", 3'600'000'000'000}};

constexpr std::uint64_t kTooLong = std::uint64_t{1} << 63U;

template <class Float>
void append_float(Float value, std::string& out) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    const Float size = std::abs(value);
    const bool exponent = size != 0 && (size < Float(1e-6) || size >= Float(1e21));
    std::array<char, 64> buffer{};
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                      exponent ? std::chars_format::scientific : std::chars_format::fixed)
            .ptr;
    std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    // encoding/json cleans up e-09 to e-9.
    if (exponent && text.size() >= 4 && text[text.size() - 4] == 'e' &&
        text[text.size() - 3] == '-' && text[text.size() - 2] == '0') {
        out += text.substr(0, text.size() - 2);
        out += text.back();
        return;
    }
    out += text;
}

}  // namespace

std::string go_quote(std::string_view text) {
    std::string out = "\"";
    const std::string repaired = is_valid_utf8(text) ? std::string() : replace_invalid_utf8(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        switch (c) {
            case '"': out += "\\\""; continue;
            case '\\': out += "\\\\"; continue;
            case '\a': out += "\\a"; continue;
            case '\b': out += "\\b"; continue;
            case '\f': out += "\\f"; continue;
            case '\n': out += "\\n"; continue;
            case '\r': out += "\\r"; continue;
            case '\t': out += "\\t"; continue;
            case '\v': out += "\\v"; continue;
            default: break;
        }
        if (c < 0x20 || c == 0x7F) {
            out += fmt::format("\\x{:02x}", c);
        } else if (c < 0x80) {
            out += text[i];
        } else if (!repaired.empty()) {
            out += fmt::format("\\x{:02x}", c);  // a text with broken UTF-8 is quoted byte by byte
        } else if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) <= 0xA0) {
            out += fmt::format("\\u{:04x}",
                               static_cast<unsigned char>(text[++i]));  // C1 controls, U+00A0
        } else if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) == 0xAD) {
            out += "\\u00ad";
            ++i;
        } else {
            out += text[i];
        }
    }
    out += '"';
    return out;
}

tl::expected<std::int64_t, std::string> parse_go_duration(std::string_view text) {
    const auto refuse = [&](std::string_view what) {
        return tl::make_unexpected(fmt::format("time: {} {}", what, go_quote(text)));
    };
    std::string_view rest = text;
    bool negative = false;
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
        negative = rest.front() == '-';
        rest.remove_prefix(1);
    }
    if (rest == "0") return 0;
    if (rest.empty()) return refuse("invalid duration");
    std::uint64_t total = 0;
    while (!rest.empty()) {
        if (rest.front() != '.' && !is_digit(rest.front())) return refuse("invalid duration");
        std::uint64_t whole = 0;
        std::size_t used = 0;
        for (; used < rest.size() && is_digit(rest[used]); ++used) {
            if (whole > kTooLong / 10) return refuse("invalid duration");
            whole = whole * 10 + static_cast<std::uint64_t>(rest[used] - '0');
            if (whole > kTooLong) return refuse("invalid duration");
        }
        bool any_digit = used > 0;
        double fraction = 0;
        double scale = 1;
        if (used < rest.size() && rest[used] == '.') {
            ++used;
            for (; used < rest.size() && is_digit(rest[used]); ++used) {
                any_digit = true;
                scale *= 10;
                fraction = fraction * 10 + (rest[used] - '0');
            }
        }
        if (!any_digit) return refuse("invalid duration");
        rest.remove_prefix(used);
        std::size_t letters = 0;
        while (letters < rest.size() && rest[letters] != '.' && !is_digit(rest[letters]))
            ++letters;
        if (letters == 0) return refuse("missing unit in duration");
        const std::string_view name = rest.substr(0, letters);
        rest.remove_prefix(letters);
        const Unit* unit = nullptr;
        for (const Unit& known : kUnits)
            if (known.name == name) unit = &known;
        if (!unit)
            return tl::make_unexpected(fmt::format("time: unknown unit {} in duration {}",
                                                   go_quote(name), go_quote(text)));
        if (whole > kTooLong / unit->nanoseconds) return refuse("invalid duration");
        whole *= unit->nanoseconds;
        if (fraction > 0) {
            whole += static_cast<std::uint64_t>(fraction *
                                                (static_cast<double>(unit->nanoseconds) / scale));
            if (whole > kTooLong) return refuse("invalid duration");
        }
        total += whole;
        if (total > kTooLong) return refuse("invalid duration");
    }
    if (negative) {
        if (total == kTooLong) return std::numeric_limits<std::int64_t>::min();
        return -static_cast<std::int64_t>(total);
    }
    if (total > kTooLong - 1) return refuse("invalid duration");
    return static_cast<std::int64_t>(total);
}

void append_go_float(double value, std::string& out) {
    append_float(value, out);
}
void append_go_float(float value, std::string& out) {
    append_float(value, out);
}

std::optional<std::string> check_go_base64(std::string_view text, std::string& data) {
    if (auto decoded = base64_decode(text)) {
        data = std::move(*decoded);
        return std::nullopt;
    }
    // Again as encoding/base64's decodeQuantum does it: it skips line ends, and its offsets are its
    // own.
    const auto refuse = [](std::size_t offset) {
        return fmt::format("illegal base64 data at input byte {}", offset);
    };
    const auto skip_line_ends = [&](std::size_t at) {
        while (at < text.size() && (text[at] == '\n' || text[at] == '\r'))
            ++at;
        return at;
    };
    data.clear();
    std::size_t at = 0;
    while (true) {
        std::uint32_t group = 0;
        std::size_t digits = 0;
        bool padded = false;
        while (digits < 4) {
            if (at == text.size()) {
                if (digits == 0) return std::nullopt;
                return refuse(at - digits);
            }
            const char c = text[at++];
            if (const int value = base64_value(c); value >= 0) {
                group = (group << 6U) | static_cast<std::uint32_t>(value);
                ++digits;
                continue;
            }
            if (c == '\n' || c == '\r') continue;
            if (c != '=' || digits < 2) return refuse(at - 1);
            if (digits == 2) {
                at = skip_line_ends(at);
                if (at == text.size()) return refuse(at);
                if (text[at] != '=') return refuse(at - 1);
                ++at;
            }
            at = skip_line_ends(at);
            if (at < text.size()) return refuse(at);
            padded = true;
            break;
        }
        group <<= 6U * static_cast<unsigned>(4 - digits);
        for (std::size_t i = 0; i + 1 < digits; ++i)
            data += static_cast<char>((group >> (16U - 8U * static_cast<unsigned>(i))) & 0xFFU);
        if (padded) return std::nullopt;
    }
}

}  // namespace segue::llm
