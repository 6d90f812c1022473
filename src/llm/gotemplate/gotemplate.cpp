#include "llm/gotemplate/gotemplate.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/overloaded.hpp"
#include "llm/gotemplate/syntax.hpp"

namespace segue::llm {
namespace {

using gotemplate::Expression;
using gotemplate::Node;

// Loops over loops over messages must end: a client wrote the template.
constexpr std::size_t kMaxSteps = 200'000;
constexpr std::size_t kMaxOutput = 32 * 1024 * 1024;

struct Nil {};
struct Root {};
/// Messages [begin, end).
struct List {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
};
struct MessageAt {
    std::size_t index = 0;
};
// Texts are views of the data or of the parsed template: both outlive the rendering.
using Value = std::variant<Nil, bool, std::int64_t, std::string_view, List, Root, MessageAt>;
using MaybeValue = std::optional<Value>;

bool is_true(const Value& value) {
    return std::visit(overloaded{
                          [](const Nil&) { return false; },
                          [](bool boolean) { return boolean; },
                          [](std::int64_t number) { return number != 0; },
                          [](std::string_view text) { return !text.empty(); },
                          [](const List& list) { return list.size() > 0; },
                          [](const Root&) { return true; },
                          [](const MessageAt&) { return true; },
                      },
                      value);
}

/// Go compares basic values of one kind; anything else is an error there too.
std::optional<bool> equal(const Value& a, const Value& b) {
    if (a.index() != b.index()) return std::nullopt;
    if (const auto* text = std::get_if<std::string_view>(&a))
        return *text == std::get<std::string_view>(b);
    if (const auto* number = std::get_if<std::int64_t>(&a))
        return *number == std::get<std::int64_t>(b);
    if (const auto* boolean = std::get_if<bool>(&a)) return *boolean == std::get<bool>(b);
    return std::nullopt;
}

class Renderer {
public:
    explicit Renderer(const TemplateData& data) : data_(data) {}

    bool run(const std::vector<Node>& nodes, const Value& dot) {
        const std::size_t scope = variables_.size();
        bool good = true;
        for (const Node& node : nodes) {
            good = ++steps_ <= kMaxSteps && out_.size() <= kMaxOutput && one(node, dot);
            if (!good) break;
        }
        variables_.resize(scope);
        return good;
    }
    std::string take() { return std::move(out_); }

private:
    bool one(const Node& node, const Value& dot) {
        switch (node.kind) {
            case Node::Kind::kText: out_ += node.text; return true;
            case Node::Kind::kPrint: {
                const MaybeValue value = evaluate(node.expression, dot);
                return value && print(*value);
            }
            case Node::Kind::kAssign: {
                MaybeValue value = evaluate(node.expression, dot);
                return value && assign(node, std::move(*value));
            }
            case Node::Kind::kIf:
            case Node::Kind::kWith: {
                const MaybeValue value = evaluate(node.expression, dot);
                if (!value) return false;
                if (!is_true(*value)) return run(node.otherwise, dot);
                return run(node.body, node.kind == Node::Kind::kWith ? *value : dot);
            }
            case Node::Kind::kRange: return range(node, dot);
        }
        return false;
    }

    bool range(const Node& node, const Value& dot) {
        const MaybeValue value = evaluate(node.expression, dot);
        if (!value) return false;
        const auto* list = std::get_if<List>(&*value);
        if (list == nullptr) return false;
        if (list->size() == 0) return run(node.otherwise, dot);
        for (std::size_t i = list->begin; i < list->end; ++i) {
            const std::size_t scope = variables_.size();
            if (!node.key_variable.empty()) {
                variables_.emplace_back(node.key_variable,
                                        static_cast<std::int64_t>(i - list->begin));
            }
            if (!node.value_variable.empty())
                variables_.emplace_back(node.value_variable, MessageAt{i});
            const bool good = ++steps_ <= kMaxSteps && run(node.body, MessageAt{i});
            variables_.resize(scope);
            if (!good) return false;
        }
        return true;
    }

    bool assign(const Node& node, Value value) {
        if (node.declares) {
            variables_.emplace_back(node.value_variable, std::move(value));
            return true;
        }
        Value* variable = find(node.value_variable);
        if (variable == nullptr) return false;
        *variable = std::move(value);
        return true;
    }

    Value* find(std::string_view name) {
        for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
            if (it->first == name) return &it->second;
        }
        return nullptr;
    }

    bool print(const Value& value) {
        if (const auto* text = std::get_if<std::string_view>(&value)) {
            out_ += *text;
        } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
            out_ += std::to_string(*number);
        } else if (const auto* boolean = std::get_if<bool>(&value)) {
            out_ += *boolean ? "true" : "false";
        } else {
            return false;  // Go prints its own notation of structures, which no prompt means
        }
        return true;
    }

    MaybeValue evaluate(const Expression& expression, const Value& dot) {
        if (++steps_ > kMaxSteps) return std::nullopt;
        MaybeValue value = base(expression, dot);
        for (const std::string& name : expression.fields) {
            if (!value) return std::nullopt;
            value = field(*value, name);
        }
        return value;
    }

    MaybeValue base(const Expression& expression, const Value& dot) {
        switch (expression.kind) {
            case Expression::Kind::kNil: return Nil{};
            case Expression::Kind::kBool: return expression.boolean;
            case Expression::Kind::kInteger: return expression.integer;
            case Expression::Kind::kString: return std::string_view(expression.text);
            case Expression::Kind::kDot: return dot;
            case Expression::Kind::kVariable: {
                if (expression.text.empty()) return Root{};
                const Value* variable = find(expression.text);
                if (variable == nullptr) return std::nullopt;
                return *variable;
            }
            case Expression::Kind::kCall: return call(expression, dot);
        }
        return std::nullopt;
    }

    MaybeValue field(const Value& of, std::string_view name) const {
        if (std::holds_alternative<Root>(of)) {
            if (name == "System") return std::string_view(data_.system);
            if (name == "Prompt") return std::string_view(data_.prompt);
            if (name == "Response") return std::string_view(data_.response);
            if (name == "Suffix") return std::string_view(data_.suffix);
            if (name == "Messages") return List{0, data_.messages.size()};
            if (name == "Tools") return List{};
            if (name == "Think") return data_.think;
            if (name == "ThinkLevel") return std::string_view(data_.think_level);
            if (name == "IsThinkSet") return data_.think_set;
        }
        if (const auto* at = std::get_if<MessageAt>(&of)) {
            const TemplateMessage& message = data_.messages[at->index];
            if (name == "Role") return std::string_view(message.role);
            if (name == "Content") return std::string_view(message.content);
            if (name == "Thinking") return std::string_view();
            if (name == "ToolCalls") return List{};
        }
        return std::nullopt;
    }

    MaybeValue call(const Expression& expression, const Value& dot) {
        const std::string& name = expression.text;
        const auto& arguments = expression.arguments;
        if (name == "and" || name == "or") {
            MaybeValue value;
            for (const Expression& argument : arguments) {
                value = evaluate(argument, dot);
                if (!value || is_true(*value) == (name == "or")) return value;
            }
            return value;
        }
        std::vector<Value> values;
        for (const Expression& argument : arguments) {
            MaybeValue value = evaluate(argument, dot);
            if (!value) return std::nullopt;
            values.push_back(std::move(*value));
        }
        if (name == "not" && values.size() == 1) return !is_true(values[0]);
        if (name == "len" && values.size() == 1) return length(values[0]);
        if (name == "slice") return slice(values);
        if (name == "ne" && values.size() == 2) {
            const auto same = equal(values[0], values[1]);
            return same ? MaybeValue(!*same) : std::nullopt;
        }
        if (name == "eq" && values.size() >= 2) {
            // Go: equal to any of the others.
            for (std::size_t i = 1; i < values.size(); ++i) {
                // Comparing long texts over and over is work too.
                if (const auto* text = std::get_if<std::string_view>(&values[i])) {
                    steps_ += text->size() / 4096;
                }
                const auto same = equal(values[0], values[i]);
                if (!same) return std::nullopt;
                if (*same) return true;
            }
            return false;
        }
        return std::nullopt;
    }

    static MaybeValue length(const Value& value) {
        if (const auto* list = std::get_if<List>(&value))
            return static_cast<std::int64_t>(list->size());
        if (const auto* text = std::get_if<std::string_view>(&value)) {
            return static_cast<std::int64_t>(text->size());
        }
        return std::nullopt;
    }

    static MaybeValue slice(const std::vector<Value>& values) {
        const auto* list = values.empty() ? nullptr : std::get_if<List>(&values[0]);
        if (list == nullptr || values.size() > 3) return std::nullopt;
        List part = *list;
        const auto size = static_cast<std::int64_t>(list->size());
        std::int64_t bounds[2] = {0, size};
        for (std::size_t i = 1; i < values.size(); ++i) {
            const auto* bound = std::get_if<std::int64_t>(&values[i]);
            if (bound == nullptr || *bound < 0 || *bound > size) return std::nullopt;
            bounds[i - 1] = *bound;
        }
        if (bounds[0] > bounds[1]) return std::nullopt;
        part.end = list->begin + static_cast<std::size_t>(bounds[1]);
        part.begin = list->begin + static_cast<std::size_t>(bounds[0]);
        return part;
    }

    const TemplateData& data_;
    std::string out_;
    std::vector<std::pair<std::string, Value>> variables_;
    std::size_t steps_ = 0;
};

}  // namespace

Outcome<std::string> render_go_template(std::string_view source, const TemplateData& data) {
    const bool conversation = source.find(".Messages") != std::string_view::npos;
    const auto cut = conversation || !data.suffix.empty() ? gotemplate::Cut::kNever
                                                          : gotemplate::Cut::kBehindResponse;
    const auto nodes = gotemplate::parse(source, cut);
    Renderer renderer(data);
    if (!nodes || !renderer.run(*nodes, Root{})) {
        return refuse(Failure::Cause::kBadRequest,
                      "custom templates are not supported by this engine", 400);
    }
    return renderer.take();
}

}  // namespace segue::llm
