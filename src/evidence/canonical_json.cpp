#include "evidence/canonical_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace segue::evidence {
namespace {

/// RFC 8785 sorts by UTF-16 units: characters beyond U+FFFF come before U+E000, unlike in UTF-8.
std::u16string utf16(std::string_view text) {
    std::u16string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
            point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
        if (point >= 0x10000) {
            out += static_cast<char16_t>(0xD7C0 + (point >> 10));
            out += static_cast<char16_t>(0xDC00 + (point & 0x3FF));
        } else {
            out += static_cast<char16_t>(point);
        }
        i += length;
    }
    return out;
}

void append_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20)
                    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
                else
                    out += c;
        }
    }
    out += '"';
}

constexpr double kLargestExact = 9007199254740992.0;  // 2^53

Result<void> append(json::Value value, std::string& out);

Result<void> append_number(json::Value value, std::string& out) {
    const auto number = value.number();
    const auto raw = value.raw();
    if (!number || !std::isfinite(*number))
        return fail(Fault::kInvalid,
                    fmt::format("the number {} is too large for canonical JSON", raw));
    const auto canonical = ecmascript_number(*number);
    // Written or read as a whole number: 2.5e16 is one in the canonical form.
    const auto whole = [](std::string_view text) {
        return text.find_first_of(".eE") == std::string_view::npos;
    };
    if ((whole(raw) || whole(canonical)) && std::abs(*number) > kLargestExact)
        return fail(Fault::kInvalid,
                    fmt::format("the whole number {} has more digits than canonical JSON keeps; "
                                "write it as text",
                                raw));
    out += canonical;
    return {};
}

Result<void> append_object(json::Value value, std::string& out) {
    struct Member {
        std::u16string order;
        json::Value value;
    };
    std::vector<Member> members;
    members.reserve(value.size());
    for (const auto member : value)
        members.push_back({utf16(member.key()), member});
    std::sort(members.begin(), members.end(),
              [](const Member& a, const Member& b) { return a.order < b.order; });
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0) {
            if (members[i].order == members[i - 1].order)
                return fail(Fault::kInvalid, fmt::format("the member \"{}\" is there twice",
                                                         members[i].value.key()));
            out += ',';
        }
        append_string(members[i].value.key(), out);
        out += ':';
        SEGUE_TRY_VOID(append(members[i].value, out));
    }
    out += '}';
    return {};
}

/// As deep as json::kMaxDepth at most: the parser refuses deeper input.
Result<void> append(json::Value value, std::string& out) {
    switch (value.type()) {
        case json::Type::kNull: out += "null"; return {};
        case json::Type::kBool: out += value.boolean() ? "true" : "false"; return {};
        case json::Type::kNumber: return append_number(value, out);
        case json::Type::kString: append_string(value.string(), out); return {};
        case json::Type::kArray: {
            out += '[';
            bool first = true;
            for (const auto element : value) {
                if (!first) out += ',';
                first = false;
                SEGUE_TRY_VOID(append(element, out));
            }
            out += ']';
            return {};
        }
        case json::Type::kObject: return append_object(value, out);
    }
    return {};
}

}  // namespace

std::string ecmascript_number(double value) {
    if (!std::isfinite(value)) return "null";
    if (value == 0) return "0";  // minus zero too
    // The shortest digits that read back as the same number; the placing is ECMA-262 6.1.6.1.20.
    char buffer[40];
    const auto made = std::to_chars(buffer, buffer + sizeof buffer, std::abs(value),
                                    std::chars_format::scientific);
    const std::string_view text(buffer, static_cast<std::size_t>(made.ptr - buffer));
    const auto e = text.find('e');
    std::string digits(1, text[0]);
    if (e > 2) digits += text.substr(2, e - 2);
    int exponent = 0;
    const auto* from = text.data() + e + 1;
    if (*from == '+') ++from;
    std::from_chars(from, text.data() + text.size(), exponent);
    const int point = exponent + 1;  // digits before the point
    const int count = static_cast<int>(digits.size());
    std::string out = value < 0 ? "-" : "";
    if (count <= point && point <= 21)
        return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
    if (0 < point && point <= 21)
        return out + digits.substr(0, static_cast<std::size_t>(point)) + "." +
               digits.substr(static_cast<std::size_t>(point));
    if (-6 < point && point <= 0)
        return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
}

Result<std::string> canonical_json(json::Value value) {
    if (!value) return fail(Fault::kInvalid, "there is no JSON value");
    std::string out;
    SEGUE_TRY_VOID(append(value, out));
    return out;
}

Result<std::string> canonical_json(std::string_view text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root)
        return fail(Fault::kInvalid, fmt::format("this is no JSON: {} at byte {}",
                                                 root.error().reason, root.error().offset));
    return canonical_json(*root);
}

}  // namespace segue::evidence
