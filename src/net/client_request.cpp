#include "net/client_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/request_rules.hpp"

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

// RFC 9110 5.6.2
constexpr auto kTokenBytes = [] {
    std::array<bool, 256> token{};
    for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz!#$%&'*+-.^_`|~"))
        token[static_cast<unsigned char>(c)] = true;
    return token;
}();

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return kTokenBytes[static_cast<unsigned char>(c)];
    });
}

bool is_target(std::string_view text) {
    return text.starts_with('/') && std::none_of(text.begin(), text.end(), [](char c) {
               return (c >= 0 && c <= ' ') || c == 0x7f;
           });
}

bool is_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(), breaks_lines);
}

bool is_ours(std::string_view name) {
    return std::any_of(kNotForwarded.begin(), kNotForwarded.end(), [&](std::string_view other) {
        return name.size() == other.size() && iequals(name, other);
    });
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
    out.append(request.method).append(" ").append(request.origin.prefix).append(request.path);
    out.append(" HTTP/1.1\r\nHost: ").append(request.origin.host_header()).append("\r\n");
    for (const auto& [name, value] : request.headers.entries()) {
        if (!is_token(name))
            return fail(Fault::kInvalid, fmt::format("not a header name: {}", name));
        if (!is_value(value))
            return fail(Fault::kInvalid, fmt::format("line break in header {}", name));
        if (!is_ours(name)) out.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request.body.empty() || usually_has_body(request.method))
        out.append("Content-Length: ")
            .append(fmt::format_int(request.body.size()).c_str())
            .append("\r\n");
    out += "Connection: keep-alive\r\n\r\n";
    return out;
}

}  // namespace segue::net
