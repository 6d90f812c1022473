/// HTTP words shared by server and client: header lists and message heads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace segue::net {

/// Headers in the order they came; names keep their case and are compared without it.
class Headers {
public:
    using Entry = std::pair<std::string, std::string>;
    Headers() = default;
    Headers(std::initializer_list<Entry> entries) : entries_(entries) {}

    void add(std::string_view name, std::string_view value) {
        if (entries_.empty()) entries_.reserve(8);  // as many as most messages have
        entries_.emplace_back(name, value);
    }
    /// Replaces every entry of that name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// The first entry of that name, else nothing. The view lives as long as the entry.
    std::optional<std::string_view> find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }
    /// True when one of the comma-separated tokens of that header equals `token` (case ignored).
    bool has_token(std::string_view name, std::string_view token) const;
    const std::vector<Entry>& entries() const { return entries_; }
    bool empty() const { return entries_.empty(); }

private:
    std::vector<Entry> entries_;
};

struct RequestHead {
    std::string method;     // "GET"
    std::string target;     // as sent: "/api/tags?x=1"
    std::string path;       // target without query, still percent-encoded
    std::string query;      // without '?'
    int version_minor = 1;  // HTTP/1.x
    Headers headers;
    std::string peer;  // "127.0.0.1:51844"
};

struct ResponseHead {
    int status = 0;
    std::string reason;
    Headers headers;
};

/// "OK", "Not Found"; "" for a status we have no phrase for.
std::string_view reason_phrase(int status);

/// scheme://host[:port][/prefix] of an engine or service. Credentials in a URL are refused.
struct Origin {
    enum class Scheme : std::uint8_t { kHttp, kHttps } scheme = Scheme::kHttp;
    std::string host;  // name or address, without brackets
    std::uint16_t port = 80;
    std::string prefix;               // "" or "/base", no slash at the end
    std::string host_header() const;  // "10.0.0.5:8000"; brackets for IPv6
    std::string to_string() const;    // "http://10.0.0.5:8000/base"
    bool operator==(const Origin&) const = default;
};
/// Accepts "host:port", "http://host", "https://host:8443/base/". `default_port` applies where no
/// port is written and the scheme is missing; with a scheme the scheme's own port.
std::optional<Origin> parse_origin(std::string_view text, std::uint16_t default_port);

}  // namespace segue::net
