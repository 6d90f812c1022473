#include "net/client_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace segue::net {
namespace {

// Ours, or hop by hop (RFC 9110 7.6.1). Expect: the body follows at once, nobody waits for a 100.
constexpr std::array<std::string_view, 9> kNotForwarded{"host",
                                                        "content-length",
                                                        "connection",
                                                        "transfer-encoding",
                                                        "keep-alive",
                                                        "te",
                                                        "proxy-connection",
                                                        "upgrade",
                                                        "expect"};

bool is_token(std::string_view text) {
    constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kOther.find(c) != std::string_view::npos;
    });
}

bool is_target(std::string_view text) {
    return text.starts_with('/') && std::none_of(text.begin(), text.end(), [](char c) {
               return (c >= 0 && c <= ' ') || c == 0x7f;
           });
}

bool is_value(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool usually_has_body(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

Result<std::string> request_head(const ClientRequest& request) {
    if (!is_token(request.method)) return fail(Fault::kInvalid, "not a method: " + request.method);
    if (!is_target(request.path)) return fail(Fault::kInvalid, "not a path: " + request.path);
    std::string out;
    out.reserve(512);
    auto end = std::back_inserter(out);
    fmt::format_to(end, "{} {}{} HTTP/1.1\r\nHost: {}\r\n", request.method, request.origin.prefix,
                   request.path, request.origin.host_header());
    for (const auto& [name, value] : request.headers.entries()) {
        if (!is_token(name)) return fail(Fault::kInvalid, "not a header name: " + name);
        if (!is_value(value)) return fail(Fault::kInvalid, "line break in header " + name);
        const bool ours = std::any_of(kNotForwarded.begin(), kNotForwarded.end(),
                                      [&](std::string_view other) { return iequals(name, other); });
        if (!ours) fmt::format_to(end, "{}: {}\r\n", name, value);
    }
    if (!request.body.empty() || usually_has_body(request.method))
        fmt::format_to(end, "Content-Length: {}\r\n", request.body.size());
    out += "Connection: keep-alive\r\n\r\n";
    return out;
}

}  // namespace segue::net
