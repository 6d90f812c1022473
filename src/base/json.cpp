#include "base/json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace segue::json {
namespace {

namespace od = simdjson::ondemand;

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

struct Walker {
    std::vector<detail::Node>& nodes;
    const char* begin;
    const char* end;  // of the real text; padding follows
    od::document& document;
    bool started;  // the document may be asked where it is only when its first pass went well
    ParseError error{};

    bool refuse(ParseError::Kind kind, std::string reason) {
        const char* at = nullptr;
        std::size_t offset = 0;
        if (started && !document.current_location().get(at) && at >= begin && at <= end)
            offset = static_cast<std::size_t>(at - begin);
        error = ParseError{kind, std::move(reason), offset};
        return false;
    }
    bool refuse(simdjson::error_code code) {
        switch (code) {
            case simdjson::UTF8_ERROR:
                return refuse(ParseError::Kind::kUtf8, "the text is not valid UTF-8");
            case simdjson::DEPTH_ERROR: return refuse(ParseError::Kind::kDepth, too_deep());
            case simdjson::EMPTY: return refuse(ParseError::Kind::kEmpty, "the text is empty");
            default: return refuse(ParseError::Kind::kSyntax, simdjson::error_message(code));
        }
    }
    static std::string too_deep() { return fmt::format("nested deeper than {} levels", kMaxDepth); }

    /// The end of a composite value: behind its closing bracket, which is the last thing before the
    /// next token.
    const char* end_of_composite() {
        const char* next = nullptr;
        if (document.current_location().get(next) || next > end || next < begin) next = end;
        while (next > begin &&
               (next[-1] == ' ' || next[-1] == '\t' || next[-1] == '\n' || next[-1] == '\r'))
            --next;
        return next;
    }

    template <class OnDemand>  // od::document or od::value
    bool walk(OnDemand& value, std::string_view key, std::size_t depth) {
        if (depth > kMaxDepth) return refuse(ParseError::Kind::kDepth, too_deep());
        const std::size_t index = nodes.size();
        nodes.emplace_back();
        nodes[index].key = key;
        od::json_type type{};
        if (auto code = value.type().get(type)) return refuse(code);
        std::string_view token;
        if (auto code =
                simdjson::simdjson_result<std::string_view>(value.raw_json_token()).get(token))
            return refuse(code);
        const char* start = token.data();
        std::string_view raw;
        switch (type) {
            case od::json_type::object: {
                od::object object;
                if (auto code = value.get_object().get(object)) return refuse(code);
                std::uint32_t count = 0;
                for (auto item : object) {
                    od::field field;
                    if (auto code = std::move(item).get(field)) return refuse(code);
                    std::string_view name;
                    if (auto code = field.unescaped_key().get(name)) return refuse(code);
                    od::value member = field.value();
                    if (!walk(member, name, depth + 1)) return false;
                    ++count;
                }
                nodes[index].type = Type::kObject;
                nodes[index].count = count;
                raw = {start, static_cast<std::size_t>(end_of_composite() - start)};
                break;
            }
            case od::json_type::array: {
                od::array array;
                if (auto code = value.get_array().get(array)) return refuse(code);
                std::uint32_t count = 0;
                for (auto item : array) {
                    od::value element;
                    if (auto code = std::move(item).get(element)) return refuse(code);
                    if (!walk(element, {}, depth + 1)) return false;
                    ++count;
                }
                nodes[index].type = Type::kArray;
                nodes[index].count = count;
                raw = {start, static_cast<std::size_t>(end_of_composite() - start)};
                break;
            }
            case od::json_type::string: {
                std::string_view text;
                if (auto code = value.get_string().get(text)) return refuse(code);
                nodes[index].type = Type::kString;
                nodes[index].text = text;
                raw = trim_token(token);
                break;
            }
            case od::json_type::number: {
                raw = trim_token(token);
                if (!is_number_text(raw))
                    return refuse(ParseError::Kind::kSyntax, "not a JSON number");
                if (raw.size() > 15 && !to_double(raw))
                    return refuse(ParseError::Kind::kNumber, "number out of range");
                if (raw.find_first_of("eE") != std::string_view::npos && !to_double(raw))
                    return refuse(ParseError::Kind::kNumber, "number out of range");
                nodes[index].type = Type::kNumber;
                if (!skip_number(value)) return false;
                break;
            }
            case od::json_type::boolean: {
                bool truth = false;
                if (auto code = value.get_bool().get(truth)) return refuse(code);
                nodes[index].type = Type::kBool;
                nodes[index].boolean = truth;
                raw = trim_token(token);
                break;
            }
            case od::json_type::null: {
                bool null = false;
                if (auto code = simdjson::simdjson_result<bool>(value.is_null()).get(null))
                    return refuse(code);
                if (!null) return refuse(simdjson::N_ATOM_ERROR);
                nodes[index].type = Type::kNull;
                raw = trim_token(token);
                break;
            }
            default: return refuse(simdjson::INCORRECT_TYPE);
        }
        nodes[index].raw = raw;
        nodes[index].next = static_cast<std::uint32_t>(nodes.size());
        return true;
    }

    /// A number that fits a double is consumed as such; an integer beyond 64 bits is consumed as
    /// text.
    template <class OnDemand>
    bool skip_number(OnDemand& value) {
        double ignored = 0;
        if (!value.get_double().get(ignored)) return true;
        std::string_view text;
        if (auto code = simdjson::simdjson_result<std::string_view>(raw_of(value)).get(text))
            return refuse(code);
        return true;
    }
    static auto raw_of(od::value& value) { return simdjson::to_json_string(value); }
    static auto raw_of(od::document& value) { return value.raw_json(); }

    std::string_view trim_token(std::string_view token) const {
        if (token.data() + token.size() > end)
            token = token.substr(0, static_cast<std::size_t>(end - token.data()));
        while (!token.empty() && (token.back() == ' ' || token.back() == '\t' ||
                                  token.back() == '\n' || token.back() == '\r'))
            token.remove_suffix(1);
        return token;
    }
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
/// tables costs more than reading a short text.
struct Parser::Impl {
    od::parser parser;
    std::string buffer;
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

Parser::Parser() : impl_(Impl::take()) {
}
Parser::~Parser() {
    Impl::put(std::move(impl_));
}
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

tl::expected<Value, ParseError> Parser::parse(std::string_view text) {
    impl_->nodes.clear();
    impl_->buffer.clear();
    impl_->buffer.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    impl_->buffer.append(text);
    if (trim(text).empty())
        return tl::make_unexpected(ParseError{ParseError::Kind::kEmpty, "the text is empty", 0});
    od::document document;
    const auto whole = std::string_view(impl_->buffer);
    const char* const end = whole.data() + whole.size();
    auto code =
        impl_->parser.iterate(whole.data(), whole.size(), whole.size() + simdjson::SIMDJSON_PADDING)
            .get(document);
    Walker walker{impl_->nodes, whole.data(), end, document, !code};
    if (code) {
        (void)walker.refuse(code);
        return tl::make_unexpected(walker.error);
    }
    if (!walker.walk(document, {}, 1)) return tl::make_unexpected(walker.error);
    const auto& root = impl_->nodes.front();
    const char* const root_end = root.raw.data() + root.raw.size();
    const std::string_view rest(root_end, static_cast<std::size_t>(end - root_end));
    if (!trim(rest).empty()) {
        return tl::make_unexpected(ParseError{ParseError::Kind::kTrailing,
                                              "more text after the JSON value",
                                              static_cast<std::size_t>(root_end - whole.data())});
    }
    return Value(impl_->nodes.data(), 0);
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
