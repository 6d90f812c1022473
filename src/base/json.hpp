/// JSON on the request path: a reader over simdjson that keeps the exact text of every value, and
/// an append-only writer.
///
/// Why a layer over simdjson: the translation must pass schemas, tool arguments and unknown fields
/// on byte for byte (number and key order kept), so every value knows its own text.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace segue::json {

enum class Type : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

/// Objects and arrays may nest this deep; deeper input is an error, not a risk for the stack.
inline constexpr std::size_t kMaxDepth = 512;

struct ParseError {
    enum class Kind : std::uint8_t {
        kEmpty,
        kSyntax,
        kDepth,
        kUtf8,
        kNumber,
        kTrailing
    } kind = Kind::kSyntax;
    std::string reason;
    std::size_t offset = 0;  // byte where reading stopped; best effort (see locate)
};

namespace detail {
struct Node {
    Type type = Type::kNull;
    bool boolean = false;
    std::uint32_t next = 0;   // index behind this value's subtree
    std::uint32_t count = 0;  // children of an array or object
    std::string_view raw;     // exact text, without surrounding white space
    std::string_view key;     // unescaped, when this is a member of an object
    std::string_view text;    // unescaped, when this is a string
};
}  // namespace detail

/// A light view of one value. Valid as long as the Parser that made it is neither destroyed nor
/// asked to parse again. A default-made Value is "missing": every question has a harmless answer,
/// so chains need no checks.
class Value {
public:
    Value() = default;
    Value(const detail::Node* nodes, std::uint32_t index) : nodes_(nodes), index_(index) {}

    /// False for a missing value.
    explicit operator bool() const { return nodes_ != nullptr; }
    /// Missing or null: what JSON clients mean by "not given".
    bool absent() const { return !nodes_ || node().type == Type::kNull; }
    bool is(Type type) const { return nodes_ && node().type == type; }
    bool is_null() const { return is(Type::kNull); }
    bool is_bool() const { return is(Type::kBool); }
    bool is_number() const { return is(Type::kNumber); }
    bool is_string() const { return is(Type::kString); }
    bool is_array() const { return is(Type::kArray); }
    bool is_object() const { return is(Type::kObject); }
    /// Type of an existing value.
    Type type() const { return node().type; }

    /// Exact source text; empty when missing.
    std::string_view raw() const { return nodes_ ? node().raw : std::string_view{}; }
    /// Member name, unescaped.
    std::string_view key() const { return nodes_ ? node().key : std::string_view{}; }
    /// Unescaped text of a string, else `otherwise`.
    std::string_view string(std::string_view otherwise = {}) const {
        return is_string() ? node().text : otherwise;
    }
    bool boolean(bool otherwise = false) const { return is_bool() ? node().boolean : otherwise; }
    std::optional<double> number() const;
    /// The number when it is written as, or equals, a 64-bit integer.
    std::optional<std::int64_t> integer() const;

    /// Number of elements or members.
    std::size_t size() const { return nodes_ ? node().count : 0; }
    bool empty() const { return size() == 0; }

    /// Member by exact name; of duplicates the last one counts, as in Go, Python and JavaScript.
    Value operator[](std::string_view name) const;
    /// Member as Go finds it: exact name first, else without regard to ASCII case; last one counts.
    Value find_ignoring_case(std::string_view name) const;
    /// Element by position.
    Value at(std::size_t position) const;

    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = Value;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Value;
        Iterator() = default;
        Iterator(const detail::Node* nodes, std::uint32_t index) : nodes_(nodes), index_(index) {}
        Value operator*() const { return {nodes_, index_}; }
        Iterator& operator++() {
            index_ = nodes_[index_].next;
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const detail::Node* nodes_ = nullptr;
        std::uint32_t index_ = 0;
    };
    /// Elements of an array or members of an object; none for anything else.
    Iterator begin() const;
    Iterator end() const;

private:
    const detail::Node& node() const { return nodes_[index_]; }
    const detail::Node* nodes_ = nullptr;
    std::uint32_t index_ = 0;
};

/// Owns the buffers that Values point into. One parse at a time; reuse it for many texts.
class Parser {
public:
    Parser();
    ~Parser();
    Parser(Parser&&) noexcept;
    Parser& operator=(Parser&&) noexcept;

    /// Reads one whole JSON text (white space around it allowed). Copies `text`: it need not live
    /// on.
    tl::expected<Value, ParseError> parse(std::string_view text);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// True when `text` is one valid JSON value.
bool is_valid(std::string_view text);
/// True when `text` is one valid JSON object.
bool is_object(std::string_view text);
/// The same JSON without white space outside strings; numbers, escapes and key order stay as they
/// are.
std::string minify(std::string_view text);
/// Replaces what strict readers refuse but Go's decoder repairs: invalid UTF-8 and lone
/// \uD800-\uDFFF escapes become U+FFFD.
std::string repair_text(std::string_view text);

/// Appends the body of a JSON string (without quotes). Escapes what JSON demands, and U+0085,
/// U+2028, U+2029, because some line readers split there (Python's iter_lines). Invalid UTF-8
/// becomes U+FFFD.
void append_escaped(std::string_view text, std::string& out);
std::string quoted(std::string_view text);

/// Appends JSON to a string; commas come by themselves. Values must be balanced by the caller.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    Writer& begin_object() { return open('{'); }
    Writer& end_object() { return close('}'); }
    Writer& begin_array() { return open('['); }
    Writer& end_array() { return close(']'); }
    Writer& key(std::string_view name);
    Writer& string(std::string_view text);
    /// Text that is JSON already.
    Writer& raw(std::string_view json);
    Writer& integer(std::int64_t value);
    Writer& number(double value);
    Writer& boolean(bool value);
    Writer& null();

    Writer& member(std::string_view name, std::string_view text) { return key(name).string(text); }
    Writer& member(std::string_view name, const char* text) { return key(name).string(text); }
    Writer& member(std::string_view name, const std::string& text) {
        return key(name).string(text);
    }
    template <std::integral T>
        requires(!std::same_as<T, bool>)
    Writer& member(std::string_view name, T value) {
        return key(name).integer(static_cast<std::int64_t>(value));
    }
    template <std::floating_point T>
    Writer& member(std::string_view name, T value) {
        return key(name).number(static_cast<double>(value));
    }
    template <std::same_as<bool> T>
    Writer& member(std::string_view name, T value) {
        return key(name).boolean(value);
    }
    Writer& member_raw(std::string_view name, std::string_view json) { return key(name).raw(json); }
    Writer& member_null(std::string_view name) { return key(name).null(); }

private:
    void separate();
    Writer& open(char bracket);
    Writer& close(char bracket);
    std::string& out_;
    bool needs_comma_ = false;
};

/// Builds one object in an expression: `object([&](Writer& w) { w.member("a", 1); })`.
template <std::invocable<Writer&> Fill>
std::string object(Fill&& fill) {
    std::string out;
    Writer writer(out);
    writer.begin_object();
    fill(writer);
    writer.end_object();
    return out;
}

}  // namespace segue::json
