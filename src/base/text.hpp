/// Small text helpers that the standard library lacks. All take views and never keep them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace segue {

/// ASCII only, as protocol names are.
char ascii_lower(char c);
std::string to_lower(std::string_view text);
/// Of equal length.
bool iequals_bytes(const char* a, const char* b, std::size_t size);
/// Most names that are compared differ in length: seen without a call.
inline bool iequals(std::string_view a, std::string_view b) {
    return a.size() == b.size() && iequals_bytes(a.data(), b.data(), a.size());
}
bool istarts_with(std::string_view text, std::string_view prefix);

/// Spaces, tabs, CR and LF at both ends.
std::string_view trim(std::string_view text);
std::string_view trim_left(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// `*` matches any run of characters, everything else itself.
bool glob_match(std::string_view pattern, std::string_view text);

/// The candidate with the smallest edit distance (Damerau-Levenshtein) to `wrong`, or nothing when
/// even that one is further away than a third of its length: a typo, not another word.
std::optional<std::string_view> nearest(std::string_view wrong,
                                        std::span<const std::string_view> candidates);

/// RFC 4648 with padding. Decoding says at which byte the input stopped being base64; white space
/// is not accepted.
std::string base64_encode(std::string_view bytes);
struct Base64Error {
    std::size_t offset;
};
std::optional<std::string> base64_decode(std::string_view text, Base64Error* error = nullptr);

bool is_valid_utf8(std::string_view text);
/// Each maximal invalid sequence becomes U+FFFD, as Go's and browsers' decoders do.
std::string replace_invalid_utf8(std::string_view text);
void append_utf8(char32_t code_point, std::string& out);

std::string percent_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);
/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace segue
