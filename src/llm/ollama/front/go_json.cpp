#include "llm/ollama/front/go_json.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/text.hpp"

namespace segue::llm {
namespace {

constexpr std::size_t kGoMaxDepth = 10'000;  // encoding/json's maxNestingDepth

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// encoding/json's quoteChar: the offending byte, read as a Latin-1 character, in single quotes.
std::string quote_char(char c) {
    if (c == '\'') return R"('\'')";
    if (c == '"') return R"('"')";
    std::string character;
    append_utf8(static_cast<unsigned char>(c), character);
    const std::string quoted = go_quote(character);
    return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

/// What an open bracket waits for.
enum class Inside : std::uint8_t { kKey, kValue, kArray };

class Scanner {
public:
    explicit Scanner(std::string_view body) : body_(body) {}

    tl::expected<std::string_view, GoSyntaxError> run() {
        skip_space();
        if (done()) return tl::make_unexpected(GoSyntaxError{"EOF", true});
        const std::size_t start = at_;
        if (!values()) return tl::make_unexpected(GoSyntaxError{std::move(error_), false});
        return body_.substr(start, at_ - start);
    }

private:
    bool done() const { return at_ >= body_.size(); }
    void skip_space() {
        while (!done() && is_space(body_[at_]))
            ++at_;
    }
    bool cut_off() {
        error_ = "unexpected EOF";
        return false;
    }
    bool refuse(std::string_view context) {
        error_ = fmt::format("invalid character {} {}", quote_char(body_[at_]), context);
        return false;
    }

    /// One value with everything in it. The stack is ours, so that nesting costs a byte a level.
    bool values() {
        bool may_close = false;  // an empty array's bracket may come in place of a value
        while (true) {
            skip_space();
            if (done()) return cut_off();
            if (may_close && body_[at_] == ']') {
                ++at_;
                open_.pop_back();
            } else {
                may_close = false;
                const char c = body_[at_];
                if (c == '{' || c == '[') {
                    if (open_.size() >= kGoMaxDepth) return refuse("exceeded max depth");
                    ++at_;
                    open_.push_back(c == '{' ? Inside::kKey : Inside::kArray);
                    if (c == '[') {
                        may_close = true;
                        continue;
                    }
                    skip_space();
                    if (done()) return cut_off();
                    if (body_[at_] != '}') {
                        if (!key()) return false;
                        continue;
                    }
                    ++at_;
                    open_.pop_back();
                } else if (!scalar()) {
                    return false;
                }
            }
            may_close = false;
            bool another = false;
            if (!after_value(another)) return false;
            if (!another) return true;
        }
    }

    /// Behind a value: closes what ends here. `another`: a further value must follow.
    bool after_value(bool& another) {
        while (!open_.empty()) {
            skip_space();
            if (done()) return cut_off();
            const char c = body_[at_];
            if (open_.back() == Inside::kArray) {
                if (c == ',') {
                    ++at_;
                    another = true;
                    return true;
                }
                if (c != ']') return refuse("after array element");
            } else {
                if (c == ',') {
                    ++at_;
                    skip_space();
                    if (done()) return cut_off();
                    another = true;
                    return key();
                }
                if (c != '}') return refuse("after object key:value pair");
            }
            ++at_;
            open_.pop_back();
        }
        return true;
    }

    bool key() {
        if (body_[at_] != '"') return refuse("looking for beginning of object key string");
        if (!string()) return false;
        skip_space();
        if (done()) return cut_off();
        if (body_[at_] != ':') return refuse("after object key");
        ++at_;
        return true;
    }

    bool scalar() {
        switch (body_[at_]) {
            case '"': return string();
            case 't': return literal("true");
            case 'f': return literal("false");
            case 'n': return literal("null");
            default:
                if (body_[at_] != '-' && !is_digit(body_[at_]))
                    return refuse("looking for beginning of value");
                return number();
        }
    }

    bool literal(std::string_view word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            ++at_;
            if (done()) return cut_off();
            if (body_[at_] != word[i])
                return refuse(fmt::format("in literal {} (expecting '{}')", word, word[i]));
        }
        ++at_;
        return true;
    }

    bool string() {
        for (++at_; !done(); ++at_) {
            const char c = body_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) return refuse("in string literal");
            if (c != '\\') continue;
            ++at_;
            if (done()) return cut_off();
            if (body_[at_] == 'u') {
                for (int digit = 0; digit < 4; ++digit) {
                    ++at_;
                    if (done()) return cut_off();
                    if (!is_hex(body_[at_])) return refuse("in \\u hexadecimal character escape");
                }
            } else if (std::string_view("bfnrt\\/\"").find(body_[at_]) == std::string_view::npos) {
                return refuse("in string escape code");
            }
        }
        return cut_off();
    }

    bool digits(std::string_view context) {
        if (done()) return cut_off();
        if (!is_digit(body_[at_])) return refuse(context);
        while (!done() && is_digit(body_[at_]))
            ++at_;
        return true;
    }

    bool number() {
        if (body_[at_] == '-') ++at_;
        if (done()) return cut_off();
        if (body_[at_] == '0') {
            ++at_;
        } else if (!digits("in numeric literal")) {
            return false;
        }
        if (!done() && body_[at_] == '.') {
            ++at_;
            if (!digits("after decimal point in numeric literal")) return false;
        }
        if (!done() && (body_[at_] == 'e' || body_[at_] == 'E')) {
            ++at_;
            if (!done() && (body_[at_] == '+' || body_[at_] == '-')) ++at_;
            if (!digits("in exponent of numeric literal")) return false;
        }
        // Inside a bracket the end of input is a cut-off body; at the top it ends the number.
        return true;
    }

    std::string_view body_;
    std::size_t at_ = 0;
    std::vector<Inside> open_;
    std::string error_;
};

}  // namespace

tl::expected<std::string_view, GoSyntaxError> first_go_value(std::string_view body) {
    return Scanner(body).run();
}

}  // namespace segue::llm
