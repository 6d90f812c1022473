#include <fmt/format.h>

#include "audit/rules/rule.hpp"
#include "rewrite/core/diff.hpp"
#include "rewrite/output/output.hpp"

namespace segue::rewrite {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\r': break;
            default: out += c;
        }
    }
    return out;
}

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;"
    "color:#1b1f24;background:#fff}pre{background:#f6f8fa;padding:.5rem .8rem;overflow-x:auto;"
    "border-radius:6px;margin:.3rem 0 1rem}del{display:block;background:#ffebe9;"
    "text-decoration:none}ins{display:block;background:#dafbe1;text-decoration:none}"
    ".rule{color:#57606a}h3{margin-bottom:.2rem}li{margin:.3rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:"
    "#161b22}del{background:#4c1d1d}ins{background:#12361f}.rule{color:#9aa4af}}";

}  // namespace

std::string to_html(const Plan& plan) {
    std::string out = fmt::format(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>segue rewrite --to {0}</title><style>{1}</style>"
        "</head><body><h1>segue rewrite --to {0}</h1><p>{2} files, {3} to-dos; findings before "
        "{4}, after {5}.</p><h2>Checklist</h2><ol>",
        step_name(plan.step), kStyle, plan.files.size(), plan.todos.size(), plan.findings_before,
        plan.findings_after);
    for (const auto& todo : plan.todos)
        out +=
            fmt::format("<li><label><input type=\"checkbox\"> <code>{}:{}</code> {}{}</label></li>",
                        escaped(todo.path), todo.line, escaped(todo.reason),
                        todo.suggestion.empty() ? "" : " → " + escaped(todo.suggestion));
    out +=
        "<li><label><input type=\"checkbox\"> the project's own tests pass</label></li>"
        "<li><label><input type=\"checkbox\"> lock files are regenerated where a manifest "
        "changed</label></li></ol><h2>Changes</h2>";
    for (const auto& file : plan.files) {
        const auto& path = file.new_path.empty() ? file.old_path : file.new_path;
        out += fmt::format("<h3>{}</h3>", escaped(path));
        if (!file.old_path.empty() && file.old_path != path)
            out += fmt::format("<p>was <code>{}</code></p>", escaped(file.old_path));
        const auto before = lines_of(file.before);
        const auto after = lines_of(file.after);
        for (const auto& run : compare(before, after)) {
            out += fmt::format("<div class=\"rule\">line {}", run.old_line + 1);
            for (const int rule : rules_of(file, run.new_line, run.new_count)) {
                const auto* const known = audit::find_rule(rule);
                out += fmt::format(" · {} {}", audit::rule_name(rule),
                                   known == nullptr ? "" : escaped(known->title));
            }
            out += "</div><pre>";
            for (std::size_t k = 0; k < run.old_count; ++k)
                out += "<del>" + escaped(before[run.old_line + k]) + "</del>";
            for (std::size_t k = 0; k < run.new_count; ++k)
                out += "<ins>" + escaped(after[run.new_line + k]) + "</ins>";
            out += "</pre>";
        }
    }
    return out + "</body></html>\n";
}

}  // namespace segue::rewrite
