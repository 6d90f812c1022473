#include "llm/ollama/front/go_template.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::llm {
namespace {

/// One open `if`.
struct Branch {
    bool outer;   // what surrounds it is written
    bool taken;   // one of its branches was written already
    bool active;  // this branch is written
    bool had_else = false;
};

struct Action {
    std::string_view body;
    bool trims_before = false;
    bool trims_after = false;
};

/// Between "{{" and "}}".
Action read_action(std::string_view inside) {
    Action action;
    if (inside.starts_with("-") && (inside.size() == 1 || trim(inside.substr(1, 1)).empty())) {
        action.trims_before = true;
        inside.remove_prefix(1);
    }
    if (inside.size() >= 2 && inside.ends_with("-") &&
        trim(inside.substr(inside.size() - 2, 1)).empty()) {
        action.trims_after = true;
        inside.remove_suffix(1);
    }
    action.body = trim(inside);
    return action;
}

class Renderer {
public:
    explicit Renderer(const TemplateVariables& variables) : variables_(variables) {}

    std::optional<std::string> run(std::string_view text) {
        bool trim_next = false;
        while (!stopped_) {
            const auto open = text.find("{{");
            std::string_view plain = text.substr(0, open);
            if (trim_next) plain = trim_left(plain);
            if (open == std::string_view::npos) {
                write(plain);
                break;
            }
            const auto close = text.find("}}", open + 2);
            if (close == std::string_view::npos) return std::nullopt;
            const Action action = read_action(text.substr(open + 2, close - open - 2));
            if (action.trims_before)
                while (!plain.empty() && trim(plain.substr(plain.size() - 1)).empty())
                    plain.remove_suffix(1);
            write(plain);
            if (!apply(action.body)) return std::nullopt;
            trim_next = action.trims_after;
            text.remove_prefix(close + 2);
        }
        if (!stopped_ && !branches_.empty()) return std::nullopt;
        return std::move(out_);
    }

private:
    bool active() const { return branches_.empty() || branches_.back().active; }
    void write(std::string_view text) {
        if (active()) out_ += text;
    }

    /// The value of `.Name`; nothing when it is no such thing.
    std::optional<std::string_view> value(std::string_view expression) const {
        if (!expression.starts_with('.')) return std::nullopt;
        const auto found = std::ranges::find(variables_, expression.substr(1),
                                             [](const auto& pair) { return pair.first; });
        if (found == variables_.end()) return std::nullopt;
        return found->second;
    }

    bool apply(std::string_view body) {
        if (body.starts_with("/*")) return body.ends_with("*/");
        if (body.starts_with("if ")) {
            const auto condition = value(trim(body.substr(3)));
            if (!condition) return false;
            const bool outer = active();
            const bool yes = outer && !condition->empty();
            branches_.push_back({outer, yes, yes});
            return true;
        }
        if (body == "else" || body.starts_with("else if ")) {
            if (branches_.empty() || branches_.back().had_else) return false;
            Branch& branch = branches_.back();
            branch.active = branch.outer && !branch.taken;
            if (body == "else") {
                branch.had_else = true;
            } else {
                const auto condition = value(trim(body.substr(8)));
                if (!condition) return false;
                branch.active = branch.active && !condition->empty();
            }
            branch.taken = branch.taken || branch.active;
            return true;
        }
        if (body == "end") {
            if (branches_.empty()) return false;
            branches_.pop_back();
            return true;
        }
        const auto text = value(body);
        if (!text) return false;
        if (body == ".Response" && active()) {
            stopped_ = true;
            return true;
        }
        write(*text);
        return true;
    }

    const TemplateVariables& variables_;
    std::vector<Branch> branches_;
    std::string out_;
    bool stopped_ = false;
};

}  // namespace

std::optional<std::string> render_go_template(std::string_view text,
                                              const TemplateVariables& variables) {
    return Renderer(variables).run(text);
}

}  // namespace segue::llm
