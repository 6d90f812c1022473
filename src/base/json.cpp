#include "base/json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>

#include "base/check.hpp"
#include "base/text.hpp"

namespace segue::json {
namespace {

/// RFC 8259's number grammar; simdjson gives us the token, and refuses integers beyond 64 bits that
/// we must pass on.
bool is_number_text(std::string_view text) {
    std::size_t i = 0;
    const auto digits = [&] {
        const std::size_t start = i;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9')
            ++i;
        return i - start;
    };
    if (i < text.size() && text[i] == '-') ++i;
    const std::size_t first = i;
    if (digits() == 0) return false;
    if (text[first] == '0' && i - first > 1) return false;
    if (i < text.size() && text[i] == '.') {
        ++i;
        if (digits() == 0) return false;
    }
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        if (digits() == 0) return false;
    }
    return i == text.size();
}

std::optional<double> to_double(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        // Too small reads as zero everywhere; too large is an error everywhere that matters to us.
        return std::abs(value) < 1.0 && text.find("e-") != std::string_view::npos
                   ? std::optional<double>(0.0)
                   : std::nullopt;
    }
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The four digits of a \uXXXX escape.
std::optional<char32_t> hex_unit(std::string_view text, std::size_t at) {
    unsigned value = 0;
    if (at + 4 > text.size()) return std::nullopt;
    const char* const end = text.data() + at + 4;
    const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return static_cast<char32_t>(value);
}

/// Appends what the inside of a JSON string means. False: an escape that JSON does not have, or
/// half a surrogate pair.
bool unescape(std::string_view text, std::string& out) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t slash = std::min(text.find('\\', at), text.size());
        out.append(text.substr(at, slash - at));
        if (slash == text.size()) break;
        if (slash + 1 == text.size()) return false;
        const char escape = text[slash + 1];
        at = slash + 2;
        if (escape != 'u') {
            const auto found = kEscapes.find(escape);
            if (found == std::string_view::npos) return false;
            out += kMeanings[found];
            continue;
        }
        auto point = hex_unit(text, at);
        at += 4;
        if (!point || (*point >= 0xDC00 && *point <= 0xDFFF)) return false;
        if (*point >= 0xD800 && *point <= 0xDBFF) {
            if (text.substr(std::min(at, text.size()), 2) != "\\u") return false;
            const auto low = hex_unit(text, at + 2);
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
            point = 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00);
            at += 6;
        }
        append_utf8(*point, out);
    }
    return true;
}

ParseError error_of(simdjson::error_code code, std::size_t offset) {
    switch (code) {
        case simdjson::UTF8_ERROR:
            return {ParseError::Kind::kUtf8, "the text is not valid UTF-8", offset};
        case simdjson::EMPTY: return {ParseError::Kind::kEmpty, "the text is empty", offset};
        default: return {ParseError::Kind::kSyntax, simdjson::error_message(code), offset};
    }
}

/// Goes from one structural character to the next: brackets, colons, commas, and where strings and
/// other values begin. simdjson has found them, and has seen that the text is UTF-8 and that
/// strings end and hold no raw control characters; the grammar is looked at here. Its own cursor
/// would copy every string, byte by byte where it is compiled for any machine.
struct Walker {
    std::vector<detail::Node>& nodes;
    std::string& unescaped;       // has room for all strings: views of it are handed out
    const std::string_view text;  // of a std::string: a zero stands behind it
    const std::uint32_t* next;    // the last one is followed by the text's size
    const bool has_escapes;
    ParseError error{};

    bool refuse(ParseError why) {
        error = std::move(why);
        return false;
    }
    bool refuse(simdjson::error_code code, std::size_t offset) {
        return refuse(error_of(code, offset));
    }
    /// Where reading goes on.
    std::size_t place() const { return *next; }
    bool at_end() const { return *next == text.size(); }
    /// A zero at the end, where nothing is accepted. Unchecked: this is asked for every character.
    char peek() const { return text.data()[*next]; }
    bool accept(char wanted) {
        if (peek() != wanted) return false;
        ++next;
        return true;
    }
    /// What was begun at `start`, up to the next structural character.
    std::string_view token(std::size_t start) const {
        const char* const begin = text.data() + start;
        const char* end = text.data() + place();
        while (is_space(end[-1]))
            --end;
        return {begin, static_cast<std::size_t>(end - begin)};
    }

    bool walk(std::string_view key, std::size_t depth) {
        const std::size_t start = place();
        if (depth > kMaxDepth)
            return refuse({ParseError::Kind::kDepth,
                           fmt::format("nested deeper than {} levels", kMaxDepth), start});
        const std::size_t index = nodes.size();
        nodes.emplace_back().key = key;
        const char first = peek();
        if (at_end()) return refuse(simdjson::TAPE_ERROR, start);
        ++next;
        std::string_view raw;
        switch (first) {
            case '{':
            case '[': {
                const bool object = first == '{';
                nodes[index].type = object ? Type::kObject : Type::kArray;
                std::uint32_t count = 0;
                if (!(object ? walk_members(count, depth) : walk_elements(count, depth)))
                    return false;
                nodes[index].count = count;
                raw = text.substr(start, next[-1] + 1 - start);
                break;
            }
            case '"':
                nodes[index].type = Type::kString;
                raw = token(start);
                if (!read_string(raw, start, nodes[index].text)) return false;
                break;
            case 't':
            case 'f':
            case 'n':
                raw = token(start);
                if (raw != "true" && raw != "false" && raw != "null")
                    return refuse(first == 'n'   ? simdjson::N_ATOM_ERROR
                                  : first == 't' ? simdjson::T_ATOM_ERROR
                                                 : simdjson::F_ATOM_ERROR,
                                  start);
                nodes[index].type = first == 'n' ? Type::kNull : Type::kBool;
                nodes[index].boolean = first == 't';
                break;
            default:
                raw = token(start);
                if (!read_number(raw, start)) return false;
                nodes[index].type = Type::kNumber;
                break;
        }
        nodes[index].raw = raw;
        nodes[index].next = static_cast<std::uint32_t>(nodes.size());
        return true;
    }

    bool walk_members(std::uint32_t& count, std::size_t depth) {
        if (accept('}')) return true;
        do {
            const std::size_t start = place();
            if (!accept('"')) return refuse(simdjson::TAPE_ERROR, start);
            std::string_view name;
            if (!read_string(token(start), start, name)) return false;
            if (!accept(':')) return refuse(simdjson::TAPE_ERROR, place());
            if (!walk(name, depth + 1)) return false;
            ++count;
        } while (accept(','));
        return accept('}') || refuse(simdjson::TAPE_ERROR, place());
    }

    bool walk_elements(std::uint32_t& count, std::size_t depth) {
        if (accept(']')) return true;
        do {
            if (!walk({}, depth + 1)) return false;
            ++count;
        } while (accept(','));
        return accept(']') || refuse(simdjson::TAPE_ERROR, place());
    }

    /// With its quotes.
    bool read_string(std::string_view token, std::size_t start, std::string_view& meant) {
        if (token.size() < 2 || token.back() != '"') return refuse(simdjson::STRING_ERROR, start);
        meant = token.substr(1, token.size() - 2);
        if (!has_escapes || meant.find('\\') == std::string_view::npos) return true;
        const std::size_t begin = unescaped.size();
        if (!unescape(meant, unescaped)) return refuse(simdjson::STRING_ERROR, start);
        meant = std::string_view(unescaped).substr(begin);
        return true;
    }

    bool read_number(std::string_view token, std::size_t start) {
        if (!is_number_text(token)) return refuse(simdjson::TAPE_ERROR, start);
        const bool plain =
            token.size() <= 15 && token.find_first_of("eE") == std::string_view::npos;
        return plain || to_double(token) ||
               refuse({ParseError::Kind::kNumber, "number out of range", start});
    }

    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
};

}  // namespace

std::optional<double> Value::number() const {
    return is_number() ? to_double(node().raw) : std::nullopt;
}

std::optional<std::int64_t> Value::integer() const {
    if (!is_number()) return std::nullopt;
    const std::string_view text = node().raw;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    const auto real = to_double(text);
    if (!real || std::floor(*real) != *real || std::abs(*real) > 9.0e18) return std::nullopt;
    return static_cast<std::int64_t>(*real);
}

Value::Iterator Value::begin() const {
    if (!nodes_ || (node().type != Type::kArray && node().type != Type::kObject)) return end();
    return {nodes_, index_ + 1};
}

Value::Iterator Value::end() const {
    return nodes_ ? Iterator(nodes_, node().next) : Iterator();
}

Value Value::operator[](std::string_view name) const {
    if (!is_object()) return {};
    std::uint32_t found = 0;  // no member is node 0
    for (std::uint32_t at = index_ + 1; at != node().next; at = nodes_[at].next)
        if (nodes_[at].key == name) found = at;
    return found == 0 ? Value() : Value(nodes_, found);
}

Value Value::find_ignoring_case(std::string_view name) const {
    Value found;
    if (is_object())
        for (const Value member : *this)
            if (member.key() == name || iequals(member.key(), name)) found = member;
    return found;
}

Value Value::at(std::size_t position) const {
    if (is_array())
        for (const Value element : *this)
            if (position-- == 0) return element;
    return {};
}

/// Buffers of parsers that are gone serve the next ones of the same thread: allocating simdjson's
/// tables costs more than reading a short text. A parser takes them when it is first asked to
/// parse: many wait for an answer at once, and few of them read.
struct Parser::Impl {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> finder;
    std::string buffer;
    std::string unescaped;
    std::vector<detail::Node> nodes;

    static constexpr std::size_t kMostKept = 8;
    static constexpr std::size_t kMostText = 64 * 1024;
    struct Kept {
        std::vector<std::unique_ptr<Impl>> free;
        ~Kept() { gone = true; }
    };
    // Trivial, so that it can still be read after the thread's list was destroyed.
    static thread_local bool gone;
    static thread_local Kept kept;

    /// simdjson's first stage: the places of all structural characters.
    simdjson::error_code find_structure() {
        constexpr std::size_t kLeast = 4096;
        if (!finder || finder->capacity() < buffer.size()) {
            finder.reset();
            if (const auto code =
                    simdjson::get_active_implementation()->create_dom_parser_implementation(
                        std::max(buffer.size(), kLeast), 1, finder))
                return code;
        }
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are what it takes
        return finder->stage1(reinterpret_cast<const std::uint8_t*>(buffer.data()), buffer.size(),
                              simdjson::stage1_mode::regular);
    }

    static std::unique_ptr<Impl> take() {
        if (gone || kept.free.empty()) return std::make_unique<Impl>();
        auto impl = std::move(kept.free.back());
        kept.free.pop_back();
        return impl;
    }
    static void put(std::unique_ptr<Impl> impl) {
        if (!impl || gone || impl->buffer.capacity() > kMostText) return;
        if (kept.free.size() < kMostKept) kept.free.push_back(std::move(impl));
    }
};

thread_local bool Parser::Impl::gone = false;
thread_local Parser::Impl::Kept Parser::Impl::kept;

Parser::Parser() = default;
Parser::~Parser() {
    Impl::put(std::move(impl_));
}
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

tl::expected<Value, ParseError> Parser::parse(std::string_view text) {
    if (!impl_) impl_ = Impl::take();
    Impl& own = *impl_;
    own.nodes.clear();
    own.unescaped.clear();
    own.buffer = text;
    if (const auto code = own.find_structure()) return tl::make_unexpected(error_of(code, 0));
    // What escapes mean is shorter than they are.
    const bool has_escapes = text.find('\\') != std::string_view::npos;
    if (has_escapes) own.unescaped.reserve(text.size());
    const std::uint32_t* const places = own.finder->structural_indexes.get();
    SEGUE_CHECK(places[own.finder->n_structural_indexes] == text.size());
    Walker walker{own.nodes, own.unescaped, own.buffer, places, has_escapes};
    if (!walker.walk({}, 1)) return tl::make_unexpected(walker.error);
    if (!walker.at_end()) {
        return tl::make_unexpected(ParseError{ParseError::Kind::kTrailing,
                                              "more text after the JSON value", walker.place()});
    }
    return Value(own.nodes.data(), 0);
}

bool is_valid(std::string_view text) {
    Parser parser;
    return parser.parse(text).has_value();
}

bool is_object(std::string_view text) {
    Parser parser;
    const auto value = parser.parse(text);
    return value && value->is_object();
}

std::string minify(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            out += c;
            if (c == '\\' && i + 1 < text.size()) out += text[++i];
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
            out += c;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            out += c;
        }
    }
    return out;
}

std::string repair_text(std::string_view text) {
    const auto unit =
        [&](std::size_t at) -> int {  // the UTF-16 unit of a \uXXXX escape at `at`, or -1
        if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
        int value = 0;
        const auto [end, error] =
            std::from_chars(text.data() + at + 2, text.data() + at + 6, value, 16);
        return error == std::errc{} && end == text.data() + at + 6 ? value : -1;
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '\\') {
            out += text[i++];
            continue;
        }
        const int first = unit(i);
        if (first >= 0xD800 && first <= 0xDBFF) {
            const int second = unit(i + 6);
            if (second >= 0xDC00 && second <= 0xDFFF) {
                out.append(text.substr(i, 12));
                i += 12;
            } else {
                out += "\\uFFFD";
                i += 6;
            }
        } else if (first >= 0xDC00 && first <= 0xDFFF) {
            out += "\\uFFFD";
            i += 6;
        } else {
            out.append(text.substr(i, 2));
            i += 2;
        }
    }
    return replace_invalid_utf8(out);
}

}  // namespace segue::json
