/// Rules about a request's head that hold in every version of HTTP.
#pragma once

#include <optional>
#include <string_view>

#include "net/http.hpp"
#include "net/server.hpp"

namespace segue::net {

/// Splits `head.target` into path and query; says what is wrong with it, if anything is.
std::optional<ProtocolError> split_target(RequestHead& head);
/// "example.org:8484": no space, no user, no path.
bool is_host_value(std::string_view value);

/// What must not stand in a header: it would end it. One comparison for nearly every byte.
/// An object, not a function: algorithms take it in.
inline constexpr auto breaks_lines = [](char c) {
    return static_cast<unsigned char>(c) <= '\r' && (c == '\r' || c == '\n' || c == '\0');
};

}  // namespace segue::net
