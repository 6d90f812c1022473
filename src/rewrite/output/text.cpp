#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/rules/rule.hpp"
#include "base/json.hpp"
#include "rewrite/core/diff.hpp"
#include "rewrite/output/output.hpp"

namespace segue::rewrite {
namespace {

std::string kind_of(int rule) {
    const auto* const known = audit::find_rule(rule);
    return known == nullptr ? "" : std::string(known->kind);
}

std::string todo_line(std::size_t number, const Todo& todo) {
    std::string out = fmt::format("{:>3}. {}", number, todo.path);
    if (todo.line != 0) out += fmt::format(":{}", todo.line);
    out += fmt::format("  {}", todo.reason);
    if (todo.rule != 0) out += fmt::format(" [{}]", audit::rule_name(todo.rule));
    out += '\n';
    if (!todo.suggestion.empty()) {
        std::string indented;
        for (const char c : todo.suggestion) {
            indented += c;
            if (c == '\n') indented += "       ";
        }
        out += fmt::format("     → {}\n", indented);
    }
    return out;
}

std::string title_of(const Changed& file) {
    if (file.old_path.empty()) return file.new_path + " (new)";
    if (file.new_path.empty()) return file.old_path + " (removed)";
    if (file.old_path != file.new_path) return file.old_path + " → " + file.new_path;
    return file.new_path;
}

}  // namespace

std::vector<int> rules_of(const Changed& file, std::size_t new_line, std::size_t count) {
    const auto lines = lines_of(file.after);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < new_line && i < lines.size(); ++i)
        begin += lines[i].size();
    std::size_t end = begin;
    for (std::size_t i = new_line; i < new_line + count && i < lines.size(); ++i)
        end += lines[i].size();
    std::map<int, int> seen;
    for (const auto& mark : file.marks)
        if (mark.begin <= end && mark.end >= begin && mark.rule != 0) ++seen[mark.rule];
    std::vector<int> rules;
    for (const auto& [rule, times] : seen)
        rules.push_back(rule);
    std::stable_sort(rules.begin(), rules.end(), [&](int a, int b) { return seen[a] > seen[b]; });
    return rules;
}

std::string summary(const Plan& plan) {
    std::size_t runs = 0;
    for (const auto& file : plan.files)
        runs += compare(lines_of(file.before), lines_of(file.after)).size();
    std::string out = fmt::format("segue rewrite --to {}: {} file{}, {} change{}, {} to-do{}\n",
                                  step_name(plan.step), plan.files.size(),
                                  plan.files.size() == 1 ? "" : "s", runs, runs == 1 ? "" : "s",
                                  plan.todos.size(), plan.todos.size() == 1 ? "" : "s");
    if (!plan.todos.empty()) out += "left to a person (lines of the result):\n";
    std::size_t number = 0;
    for (const auto& todo : plan.todos)
        out += todo_line(++number, todo);
    return out;
}

std::string plan_text(const Plan& plan) {
    std::string out;
    for (const auto& file : plan.files) {
        out += title_of(file) + "\n";
        const auto before = lines_of(file.before);
        const auto after = lines_of(file.after);
        for (const auto& run : compare(before, after)) {
            std::string rules;
            for (const int rule : rules_of(file, run.new_line, run.new_count))
                rules += (rules.empty() ? "" : ", ") + audit::rule_name(rule) + " " + kind_of(rule);
            out +=
                fmt::format("  line {}{}\n", run.old_line + 1, rules.empty() ? "" : ": " + rules);
            const auto show = [&](char sign, std::string_view line) {
                while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
                    line.remove_suffix(1);
                out += fmt::format("    {} {}\n", sign, line);
            };
            for (std::size_t k = 0; k < run.old_count; ++k)
                show('-', before[run.old_line + k]);
            for (std::size_t k = 0; k < run.new_count; ++k)
                show('+', after[run.new_line + k]);
        }
        out += '\n';
    }
    return out;
}

std::string to_json(const Plan& plan, std::string_view patch) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object();
    writer.member("schema", "segue-rewrite/1").member("step", std::string(step_name(plan.step)));
    writer.member("findings_before", plan.findings_before);
    writer.member("findings_after", plan.findings_after);
    writer.key("files").begin_array();
    for (const auto& file : plan.files) {
        writer.begin_object();
        writer.member("old", file.old_path).member("new", file.new_path);
        writer.member("outside_git", file.outside_git);
        writer.key("changes").begin_array();
        for (const auto& run : compare(lines_of(file.before), lines_of(file.after))) {
            writer.begin_object();
            writer.member("old_line", run.old_line + 1).member("old_count", run.old_count);
            writer.member("new_line", run.new_line + 1).member("new_count", run.new_count);
            writer.key("rules").begin_array();
            for (const int rule : rules_of(file, run.new_line, run.new_count))
                writer.string(audit::rule_name(rule));
            writer.end_array().end_object();
        }
        writer.end_array().end_object();
    }
    writer.end_array();
    writer.key("todos").begin_array();
    std::size_t number = 0;
    for (const auto& todo : plan.todos) {
        writer.begin_object();
        writer.member("number", ++number).member("path", todo.path).member("line", todo.line);
        writer.member("was_line", todo.was_line).member("reason", todo.reason);
        writer.member("suggestion", todo.suggestion);
        writer.member("rule", todo.rule == 0 ? std::string() : audit::rule_name(todo.rule));
        writer.end_object();
    }
    writer.end_array();
    writer.member("patch", patch.empty() ? std::string() : std::string(patch));
    writer.end_object();
    return out + "\n";
}

std::string to_markdown(const Plan& plan) {
    std::string out = fmt::format(
        "# Review of `segue rewrite --to {}`\n\n{} files, {} to-dos; "
        "findings before {}, after {}.\n\n## Checklist\n\n",
        step_name(plan.step), plan.files.size(), plan.todos.size(), plan.findings_before,
        plan.findings_after);
    for (const auto& todo : plan.todos) {
        out += fmt::format("- [ ] `{}:{}` {}", todo.path, todo.line, todo.reason);
        if (!todo.suggestion.empty()) out += " → " + todo.suggestion;
        out += '\n';
    }
    out +=
        "- [ ] the project's own tests pass\n- [ ] lock files are regenerated where a manifest "
        "changed\n\n## Changes\n";
    for (const auto& file : plan.files) {
        out += fmt::format("\n### {}\n", title_of(file));
        const auto before = lines_of(file.before);
        const auto after = lines_of(file.after);
        for (const auto& run : compare(before, after)) {
            std::string rules;
            for (const int rule : rules_of(file, run.new_line, run.new_count))
                rules += fmt::format(" {} ({})", audit::rule_name(rule), kind_of(rule));
            out += fmt::format("\nline {}:{}\n\n````diff\n", run.old_line + 1, rules);
            for (std::size_t k = 0; k < run.old_count; ++k)
                out.append("-").append(before[run.old_line + k]);
            if (!out.ends_with('\n')) out += '\n';
            for (std::size_t k = 0; k < run.new_count; ++k)
                out.append("+").append(after[run.new_line + k]);
            if (!out.ends_with('\n')) out += '\n';
            out += "````\n";
        }
    }
    return out;
}

}  // namespace segue::rewrite
