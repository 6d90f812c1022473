#include "gateway/access.hpp"

#include <unistd.h>

#include <array>

#include "base/text.hpp"

namespace segue::gateway {
namespace {

constexpr std::array<std::string_view, 13> kOllamaOrigins{
    "http://localhost", "https://localhost", "http://localhost:*", "https://localhost:*",
    "http://127.0.0.1", "https://127.0.0.1", "http://127.0.0.1:*", "https://127.0.0.1:*",
    "http://0.0.0.0",   "https://0.0.0.0",   "http://0.0.0.0:*",   "https://0.0.0.0:*",
    "app://*"};
constexpr std::array<std::string_view, 4> kOllamaSchemes{"file://*", "tauri://*",
                                                         "vscode-webview://*", "vscode-file://*"};

constexpr std::string_view kAllowHeaders =
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,X-Stainless-Arch,X-"
    "Stainless-Async,"
    "X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,X-Stainless-Lang,X-Stainless-Os,"
    "X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,X-Stainless-"
    "Runtime,"
    "X-Stainless-Runtime-Version,X-Stainless-Timeout";

/// Four numbers of an IPv4 address.
std::optional<std::array<int, 4>> ipv4(std::string_view text) {
    std::array<int, 4> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto part = text.substr(0, text.find('.'));
        if (part.empty() || part.size() > 3) return std::nullopt;
        for (const char c : part) {
            if (c < '0' || c > '9') return std::nullopt;
            numbers[i] = numbers[i] * 10 + (c - '0');
        }
        if (numbers[i] > 255) return std::nullopt;
        text.remove_prefix(part.size());
        const bool last = i + 1 == numbers.size();
        if (text.starts_with('.') == last) return std::nullopt;
        if (!last) text.remove_prefix(1);
    }
    return numbers;
}

bool is_local_ipv4(const std::array<int, 4>& n) {
    return n[0] == 127 || n[0] == 10 || (n[0] == 192 && n[1] == 168) ||
           (n[0] == 172 && n[1] >= 16 && n[1] <= 31) || n == std::array<int, 4>{0, 0, 0, 0};
}

/// Loopback, unspecified, unique local (fc00::/7) and link-local (fe80::/10).
bool is_local_ipv6(std::string_view text) {
    const std::string lower = to_lower(text);
    return lower == "::1" || lower == "::" || lower.starts_with("fc") || lower.starts_with("fd") ||
           lower.starts_with("fe8") || lower.starts_with("fe9") || lower.starts_with("fea") ||
           lower.starts_with("feb");
}

std::string machine_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                          : std::string();
}

}  // namespace

bool origin_allowed(std::string_view origin, const GatewayConfig& config) {
    const std::string lower = to_lower(origin);
    for (const auto pattern : kOllamaOrigins)
        if (glob_match(pattern, lower)) return true;
    for (const auto pattern : kOllamaSchemes)
        if (glob_match(pattern, lower)) return true;
    for (const auto& pattern : config.allowed_origins)
        if (glob_match(to_lower(pattern), lower)) return true;
    return false;
}

bool same_origin(std::string_view origin, std::string_view host_header) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (origin.starts_with(scheme))
            return !host_header.empty() &&
                   to_lower(origin.substr(scheme.size())) == to_lower(trim(host_header));
    return false;
}

bool wants_page(const net::Headers& headers) {
    const std::string accept = to_lower(headers.find("Accept").value_or(""));
    return accept.find("text/html") != std::string::npos;
}

bool host_allowed(std::string_view host) {
    host = trim(host);
    if (host.empty()) return true;  // HTTP/1.0; a browser always sends one
    if (host.front() == '[') {
        const auto end = host.find(']');
        return end != std::string_view::npos && is_local_ipv6(host.substr(1, end - 1));
    }
    const std::string name = to_lower(host.substr(0, host.find(':')));
    if (const auto numbers = ipv4(name)) return is_local_ipv4(*numbers);
    if (name == "localhost" || name == to_lower(machine_name())) return true;
    return name.ends_with(".localhost") || name.ends_with(".local") || name.ends_with(".internal");
}

net::Headers preflight_headers(std::string_view origin, std::string_view asked_headers) {
    net::Headers headers;
    std::string allowed(kAllowHeaders);
    const std::string known = "," + to_lower(kAllowHeaders) + ",";
    for (const auto part : split(asked_headers, ',')) {
        const std::string name = to_lower(trim(part));
        if (name.empty() || known.find("," + name + ",") != std::string::npos) continue;
        bool is_token = true;
        for (const char c : name)
            is_token = is_token &&
                       ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
        if (is_token) allowed.append(",").append(name);
    }
    headers.add("Access-Control-Allow-Headers", allowed);
    headers.add("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS");
    headers.add("Access-Control-Allow-Origin", origin);
    headers.add("Access-Control-Max-Age", "43200");
    return headers;
}

std::string_view given_key(const net::Headers& headers) {
    if (const auto authorization = headers.find("Authorization");
        authorization && istarts_with(*authorization, "bearer "))
        return trim(authorization->substr(7));
    if (const auto key = headers.find("x-api-key")) return trim(*key);
    return {};
}

}  // namespace segue::gateway
