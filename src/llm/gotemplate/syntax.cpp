#include "llm/gotemplate/syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace segue::llm::gotemplate {
namespace {

// Templates come from clients: nesting must not eat the stack.
constexpr int kMaxDepth = 64;

constexpr std::array<std::string_view, 7> kFunctions{"eq",  "ne",  "and",  "or",
                                                     "not", "len", "slice"};
constexpr std::array<std::string_view, 13> kFields{
    "System", "Prompt",     "Response",   "Suffix",  "Messages", "Tools",    "Think",
    "Role",   "ThinkLevel", "IsThinkSet", "Content", "Thinking", "ToolCalls"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// What stands between two braces, read from left to right.
class Words {
public:
    explicit Words(std::string_view text) : text_(text) {}

    void skip_space() {
        while (at_ < text_.size() &&
               std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
            ++at_;
        }
    }
    bool end() {
        skip_space();
        return at_ == text_.size();
    }
    bool take(std::string_view symbol) {
        skip_space();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }
    bool next_is(char c) {
        skip_space();
        return at_ < text_.size() && text_[at_] == c;
    }
    /// A name right here, without space before it.
    std::string_view name() {
        const std::size_t begin = at_;
        while (at_ < text_.size() &&
               (is_letter(text_[at_]) || (at_ > begin && is_digit(text_[at_])))) {
            ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }
    bool take_word(std::string_view word) {
        skip_space();
        const std::size_t before = at_;
        if (name() == word) return true;
        at_ = before;
        return false;
    }
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    std::string_view rest() const { return text_.substr(at_); }
    void advance(std::size_t by) { at_ += by; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

std::optional<std::string> string_literal(Words& words) {
    const char quote = words.here();
    const std::string_view rest = words.rest();
    std::string out;
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == quote) {
            words.advance(i + 1);
            return out;
        }
        if (quote == '`' || rest[i] != '\\') {
            out += rest[i];
            continue;
        }
        if (++i == rest.size()) break;
        switch (rest[i]) {
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case 'r': out += '\r'; break;
            case '"': out += '"'; break;
            case '\\': out += '\\'; break;
            default: return std::nullopt;
        }
    }
    return std::nullopt;
}

class Parser {
public:
    Parser(std::string_view source, Cut cut) : source_(source), cut_(cut) {}

    std::optional<std::vector<Node>> all() {
        std::vector<Node> nodes;
        const auto closing = block(nodes, 0);
        if (!closing || *closing != Closing::kEndOfSource) return std::nullopt;
        return nodes;
    }

private:
    enum class Closing : std::uint8_t { kEndOfSource, kEnd, kElse, kElseIf, kElseWith };

    void add(std::vector<Node>& nodes, Node node) const {
        if (!dropping_) nodes.push_back(std::move(node));
    }

    /// The next text and the action behind it. False when the source has ended.
    bool next(std::string& text, std::optional<std::string_view>& action) {
        const std::size_t open = source_.find("{{", at_);
        std::string_view plain =
            source_.substr(at_, open == std::string_view::npos ? open : open - at_);
        if (trim_next_) plain = trim_left(plain);
        trim_next_ = false;
        if (open == std::string_view::npos) {
            at_ = source_.size();
            text = plain;
            return false;
        }
        std::size_t begin = open + 2;
        if (begin + 1 < source_.size() && source_[begin] == '-' && is_space(source_[begin + 1])) {
            while (!plain.empty() && is_space(plain.back()))
                plain.remove_suffix(1);
            begin += 1;
        }
        text = plain;
        const std::size_t close = closing_braces(begin);
        action.reset();
        if (close == std::string_view::npos) return true;
        std::string_view inner = source_.substr(begin, close - begin);
        if (inner.size() >= 2 && inner.back() == '-' && is_space(inner[inner.size() - 2])) {
            inner.remove_suffix(1);
            trim_next_ = true;
        }
        at_ = close + 2;
        action = trim(inner);
        return true;
    }

    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

    /// Braces inside strings and comments do not close.
    std::size_t closing_braces(std::size_t from) const {
        const std::size_t first = source_.find_first_not_of(" \t\r\n", from);
        if (first != std::string_view::npos && source_.substr(first).starts_with("/*")) {
            const std::size_t end = source_.find("*/", first + 2);
            return end == std::string_view::npos ? end : source_.find("}}", end);
        }
        char quote = '\0';
        for (std::size_t i = from; i < source_.size(); ++i) {
            const char c = source_[i];
            if (quote != '\0') {
                if (c == '\\' && quote == '"') ++i;
                if (c == quote) quote = '\0';
            } else if (c == '"' || c == '`') {
                quote = c;
            } else if (source_.substr(i).starts_with("}}")) {
                return i;
            }
        }
        return std::string_view::npos;
    }

    /// Nodes up to the action that ends this block.
    std::optional<Closing> block(std::vector<Node>& nodes, int depth) {
        if (depth > kMaxDepth) return std::nullopt;
        while (true) {
            std::string text;
            std::optional<std::string_view> action;
            const bool more = next(text, action);
            if (!text.empty()) {
                Node node;
                node.text = std::move(text);
                add(nodes, std::move(node));
            }
            if (!more) return Closing::kEndOfSource;
            if (!action) return std::nullopt;
            if (action->starts_with("/*")) {
                if (!action->ends_with("*/")) return std::nullopt;
                continue;
            }
            Words words(*action);
            if (words.take_word("end"))
                return words.end() ? std::optional(Closing::kEnd) : std::nullopt;
            if (words.take_word("else")) {
                if (words.end()) return Closing::kElse;
                const bool with = words.take_word("with");
                if (!with && !words.take_word("if")) return std::nullopt;
                else_condition_ = words.rest();
                return with ? Closing::kElseWith : Closing::kElseIf;
            }
            Node node;
            if (words.take_word("if")) {
                node.kind = Node::Kind::kIf;
            } else if (words.take_word("with")) {
                node.kind = Node::Kind::kWith;
            } else if (words.take_word("range")) {
                node.kind = Node::Kind::kRange;
            } else {
                if (!simple(words, node)) return std::nullopt;
                add(nodes, std::move(node));
                if (cut_ == Cut::kBehindResponse && response_seen_) dropping_ = true;
                continue;
            }
            const bool dropped = dropping_;
            if (!branch(words, node, depth)) return std::nullopt;
            // A branch that began before the cut stays, with what it holds of before.
            if (!dropped) nodes.push_back(std::move(node));
        }
    }

    bool branch(Words& words, Node& node, int depth) {
        if (node.kind == Node::Kind::kRange && !range_variables(words, node)) return false;
        const bool seen = response_seen_;
        if (!expression(words, node.expression, depth) || !words.end()) return false;
        response_seen_ = seen;  // a condition is not where generation begins
        auto closing = block(node.body, depth + 1);
        if (!closing) return false;
        if (*closing == Closing::kElse) {
            closing = block(node.otherwise, depth + 1);
        } else if (*closing == Closing::kElseIf || *closing == Closing::kElseWith) {
            if (node.kind == Node::Kind::kRange) return false;
            Node chained;
            chained.kind = *closing == Closing::kElseIf ? Node::Kind::kIf : Node::Kind::kWith;
            Words condition(else_condition_);
            const bool dropped = dropping_;
            if (depth >= kMaxDepth || !branch(condition, chained, depth + 1)) return false;
            if (!dropped) node.otherwise.push_back(std::move(chained));
            return true;  // the chained branch took the end
        }
        return closing && *closing == Closing::kEnd;
    }

    bool range_variables(Words& words, Node& node) {
        if (!words.next_is('$')) return true;
        Words ahead = words;
        std::array<std::string, 2> names;
        std::size_t count = 0;
        do {
            if (count == names.size() || !ahead.take("$")) return true;  // an expression after all
            names[count++] = ahead.name();
        } while (ahead.take(","));
        if (!ahead.take(":=")) return true;
        if (names[0].empty() || (count == 2 && names[1].empty())) return false;
        words = ahead;
        if (count == 2) node.key_variable = names[0];
        node.value_variable = names[count - 1];
        return true;
    }

    /// A print or an assignment.
    bool simple(Words& words, Node& node) {
        node.kind = Node::Kind::kPrint;
        Words ahead = words;
        if (ahead.take("$")) {
            const std::string name(ahead.name());
            const bool declares = ahead.take(":=");
            if (!name.empty() && (declares || ahead.take("="))) {
                node.kind = Node::Kind::kAssign;
                node.value_variable = name;
                node.declares = declares;
                words = ahead;
            }
        }
        return expression(words, node.expression, 0) && words.end();
    }

    /// A call, or one operand.
    bool expression(Words& words, Expression& out, int depth) {
        if (depth > kMaxDepth) return false;
        words.skip_space();
        if (is_letter(words.here())) {
            Words ahead = words;
            const std::string_view name = ahead.name();
            if (contains(kFunctions, name)) {
                words = ahead;
                out.kind = Expression::Kind::kCall;
                out.text = name;
                while (!words.end() && !words.next_is(')')) {
                    Expression argument;
                    if (!operand(words, argument, depth + 1)) return false;
                    out.arguments.push_back(std::move(argument));
                }
                return !out.arguments.empty();
            }
        }
        return operand(words, out, depth);
    }

    bool operand(Words& words, Expression& out, int depth) {
        if (depth > kMaxDepth) return false;
        words.skip_space();
        const char c = words.here();
        if (c == '(') {
            words.advance(1);
            if (!expression(words, out, depth + 1) || !words.take(")")) return false;
            return fields(words, out);
        }
        if (c == '"' || c == '`') {
            auto text = string_literal(words);
            if (!text) return false;
            out.kind = Expression::Kind::kString;
            out.text = std::move(*text);
            return true;
        }
        if (is_digit(c) || c == '-') return number(words, out);
        if (c == '$') {
            words.advance(1);
            out.kind = Expression::Kind::kVariable;
            out.text = words.name();
            return fields(words, out);
        }
        if (c == '.') {
            out.kind = Expression::Kind::kDot;
            if (is_letter(words.rest().size() > 1 ? words.rest()[1] : '\0'))
                return fields(words, out);
            words.advance(1);
            return true;
        }
        const std::string_view name = words.name();
        if (name == "true" || name == "false") {
            out.kind = Expression::Kind::kBool;
            out.boolean = name == "true";
            return true;
        }
        return name == "nil";
    }

    static bool number(Words& words, Expression& out) {
        const std::string_view rest = words.rest();
        out.kind = Expression::Kind::kInteger;
        const auto [end, error] =
            std::from_chars(rest.data(), rest.data() + rest.size(), out.integer);
        if (error != std::errc{}) return false;
        words.advance(static_cast<std::size_t>(end - rest.data()));
        return !is_letter(words.here()) && words.here() != '.';
    }

    bool fields(Words& words, Expression& out) {
        while (words.here() == '.') {
            words.advance(1);
            const std::string_view name = words.name();
            if (!contains(kFields, name)) return false;
            if (name == "Response") response_seen_ = true;
            out.fields.emplace_back(name);
        }
        return true;
    }

    std::string_view source_;
    Cut cut_;
    std::size_t at_ = 0;
    bool trim_next_ = false;
    bool response_seen_ = false;
    bool dropping_ = false;
    std::string_view else_condition_;
};

}  // namespace

std::optional<std::vector<Node>> parse(std::string_view source, Cut cut) {
    return Parser(source, cut).all();
}

}  // namespace segue::llm::gotemplate
