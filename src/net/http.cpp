#include "net/http.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace segue::net {
namespace {

constexpr std::size_t kUsualHeaderBytes = 312;

struct Phrase {
    int status;
    std::string_view text;
};

// RFC 9110, and what engines and proxies send besides.
constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{206, "Partial Content"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{402, "Payment Required"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Request Entity Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{418, "I'm a teapot"},
    Phrase{421, "Misdirected Request"},
    Phrase{422, "Unprocessable Entity"},
    Phrase{424, "Failed Dependency"},
    Phrase{425, "Too Early"},
    Phrase{426, "Upgrade Required"},
    Phrase{428, "Precondition Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{451, "Unavailable For Legal Reasons"},
    Phrase{499, "Client Closed Request"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
    Phrase{529, "Site is overloaded"},
};
static_assert(std::is_sorted(kPhrases.begin(), kPhrases.end(),
                             [](const Phrase& a, const Phrase& b) { return a.status < b.status; }));

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

bool is_prefix_character(char c) {
    return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '@' && c != '"' && c != '<' &&
           c != '>' && c != '\\';
}

bool is_ipv6(const std::string& text) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
    return port;
}

}  // namespace

Headers::Headers(std::initializer_list<Entry> entries) {
    for (const auto& [name, value] : entries)
        add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
    if (text_.empty()) text_.reserve(kUsualHeaderBytes);  // room for what most messages have
    const Sizes sizes{static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())};
    const auto bytes = std::bit_cast<std::array<char, sizeof sizes>>(sizes);
    text_.append(bytes.data(), bytes.size()).append(name).append(value);
}

std::size_t Headers::size() const {
    const Entries all = entries();
    return static_cast<std::size_t>(std::distance(all.begin(), all.end()));
}

void Headers::set(std::string_view name, std::string_view value) {
    Headers made;
    bool is_set = false;
    for (const auto& [known, old] : entries()) {
        if (!iequals(known, name)) {
            made.add(known, old);
        } else if (!std::exchange(is_set, true)) {
            made.add(name, value);
        }
    }
    if (!is_set) return add(name, value);
    *this = std::move(made);
}

void Headers::remove(std::string_view name) {
    for (std::size_t at = 0; at < text_.size();) {
        const Sizes sizes = sizes_at(text_.data() + at);
        if (iequals({text_.data() + at + sizeof sizes, sizes.name}, name)) {
            text_.erase(at, sizes.both());
        } else {
            at += sizes.both();
        }
    }
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
    for (const auto& [known, value] : entries())
        if (iequals(known, name)) return value;
    return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    for (const auto& [known, value] : entries()) {
        if (!iequals(known, name)) continue;
        for (const std::string_view part : split(value, ',')) {
            if (iequals(trim(part), token)) return true;
        }
    }
    return false;
}

std::string_view reason_phrase(int status) {
    const auto found =
        std::lower_bound(kPhrases.begin(), kPhrases.end(), status,
                         [](const Phrase& p, int wanted) { return p.status < wanted; });
    return found != kPhrases.end() && found->status == status ? found->text : std::string_view{};
}

std::string Origin::host_header() const {
    const bool brackets = host.find(':') != std::string::npos;
    const std::uint16_t usual = scheme == Scheme::kHttps ? 443 : 80;
    std::string out = brackets ? fmt::format("[{}]", host) : host;
    if (port != usual) out.append(":").append(fmt::format_int(port).c_str());
    return out;
}

std::string Origin::to_string() const {
    return fmt::format("{}://{}{}", scheme == Scheme::kHttps ? "https" : "http", host_header(),
                       prefix);
}

std::optional<Origin> parse_origin(std::string_view text, std::uint16_t default_port) {
    Origin origin;
    origin.port = default_port;
    text = trim(text);
    if (const auto colon = text.find("://"); colon != std::string_view::npos) {
        const std::string_view scheme = text.substr(0, colon);
        if (iequals(scheme, "https")) {
            origin.scheme = Origin::Scheme::kHttps;
            origin.port = 443;
        } else if (iequals(scheme, "http")) {
            origin.port = 80;
        } else {
            return std::nullopt;
        }
        text.remove_prefix(colon + 3);
    }
    std::string_view authority = text.substr(0, text.find('/'));
    std::string_view prefix = text.substr(authority.size());
    while (!prefix.empty() && prefix.back() == '/')
        prefix.remove_suffix(1);
    if (!std::all_of(prefix.begin(), prefix.end(), is_prefix_character)) return std::nullopt;
    origin.prefix = prefix;

    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        origin.host = to_lower(authority.substr(1, end - 1));
        if (!is_ipv6(origin.host)) return std::nullopt;
        authority.remove_prefix(end + 1);
    } else {
        const auto end = std::min(authority.find(':'), authority.size());
        origin.host = to_lower(authority.substr(0, end));
        if (origin.host.empty() ||
            !std::all_of(origin.host.begin(), origin.host.end(), is_host_character))
            return std::nullopt;
        authority.remove_prefix(end);
    }
    if (authority.empty()) return origin.port == 0 ? std::nullopt : std::optional(origin);
    if (!authority.starts_with(':')) return std::nullopt;
    const auto port = parse_port(authority.substr(1));
    if (!port) return std::nullopt;
    origin.port = *port;
    return origin;
}

}  // namespace segue::net
