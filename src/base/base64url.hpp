/// Base64 for URLs (RFC 4648 5), without padding: one word in shells, headers, files and addresses.
/// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace segue {

std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace segue
