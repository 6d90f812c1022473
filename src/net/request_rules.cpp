#include "net/request_rules.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::net {

std::optional<ProtocolError> split_target(RequestHead& head) {
    std::string_view rest = head.target;
    if (head.method == "CONNECT")
        return ProtocolError{501, "CONNECT is not supported", head.target};
    if (rest == "*" && head.method == "OPTIONS") {
        head.path = "*";
        return std::nullopt;
    }
    if (!rest.starts_with('/')) {
        // Absolute form, as sent to a proxy (RFC 9112 3.2.2).
        const auto scheme = rest.find("://");
        if (!istarts_with(rest, "http") || scheme == std::string_view::npos)
            return ProtocolError{400, "request target must begin with '/'", head.target};
        rest.remove_prefix(scheme + 3);
        rest.remove_prefix(std::min(rest.find_first_of("/?"), rest.size()));
    }
    const auto question = rest.find('?');
    head.path = rest.substr(0, question);
    if (head.path.empty()) head.path = "/";
    if (question != std::string_view::npos) head.query = rest.substr(question + 1);
    return std::nullopt;
}

bool is_host_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '/' && c != '@' && c != '?' && c != '#' &&
               c != ',' && c != '\\';
    });
}

}  // namespace segue::net
