/// Decodes a compressed request body (wire C128): gzip and zstd; everything else is refused.
#pragma once

#include <string>
#include <string_view>

#include "llm/failure.hpp"

namespace segue::gateway {

/// `coding` is the Content-Encoding header ("" or identity: the body as it is). The decoded body
/// may be `limit` bytes long.
llm::Outcome<std::string> decode_content(std::string_view coding, std::string body,
                                         std::size_t limit);

}  // namespace segue::gateway
