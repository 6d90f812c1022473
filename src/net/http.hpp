/// HTTP words shared by server and client: header lists and message heads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace segue::net {

/// Headers in the order they came; names keep their case and are compared without it. All of them
/// lie in one string: a list is made, copied and moved as a whole several times a request.
class Headers {
public:
    /// Name and value. The views live until the list is changed.
    using Entry = std::pair<std::string_view, std::string_view>;
    class Iterator;
    class Entries;

    Headers() = default;
    Headers(std::initializer_list<Entry> entries);

    void add(std::string_view name, std::string_view value);
    /// Replaces every entry of that name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// The first entry of that name, else nothing.
    std::optional<std::string_view> find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }
    /// True when one of the comma-separated tokens of that header equals `token` (case ignored).
    bool has_token(std::string_view name, std::string_view token) const;
    Entries entries() const;
    /// Counts them.
    std::size_t size() const;
    bool empty() const { return text_.empty(); }

private:
    /// Stands before each name, which the value follows.
    struct Sizes {
        std::uint32_t name;
        std::uint32_t value;
        std::size_t both() const { return sizeof(Sizes) + name + value; }
    };
    static Sizes sizes_at(const char* at) {
        Sizes sizes;
        std::memcpy(&sizes, at, sizeof sizes);
        return sizes;
    }
    std::string text_;
};

class Headers::Iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Entry;

    explicit Iterator(const char* at) : at_(at) {}
    Entry operator*() const {
        const Sizes sizes = sizes_at(at_);
        const char* const name = at_ + sizeof(Sizes);
        return {{name, sizes.name}, {name + sizes.name, sizes.value}};
    }
    Iterator& operator++() {
        at_ += sizes_at(at_).both();
        return *this;
    }
    bool operator==(const Iterator&) const = default;

private:
    const char* at_;
};

class Headers::Entries {
public:
    explicit Entries(std::string_view text) : text_(text) {}
    Iterator begin() const { return Iterator(text_.data()); }
    Iterator end() const { return Iterator(text_.data() + text_.size()); }

private:
    std::string_view text_;  // the list's
};

inline Headers::Entries Headers::entries() const {
    return Entries(text_);
}

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
