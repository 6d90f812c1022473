#include <fmt/format.h>

#include <map>

#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::string cell(std::string_view text) {
    return replace_all(replace_all(text, "|", "\\|"), "`", "'");
}

/// https://docs.github.com: '%', CR and LF are escaped in data, ':' and ',' in properties too.
std::string command_data(std::string_view text) {
    return replace_all(replace_all(replace_all(text, "%", "%25"), "\r", "%0D"), "\n", "%0A");
}
std::string command_property(std::string_view text) {
    return replace_all(replace_all(command_data(text), ":", "%3A"), ",", "%2C");
}

}  // namespace

std::string to_markdown(const Report& report) {
    std::string out = fmt::format("## References to Ollama: {} errors, {} warnings\n\n",
                                  report.count(Level::kError), report.count(Level::kWarning));
    std::map<int, std::size_t> kinds;
    std::map<std::string, std::vector<const Finding*>> files;
    for (const auto& f : report.findings) {
        if (!f.open() || f.level == Level::kNote) continue;
        ++kinds[f.rule];
        files[f.path].push_back(&f);
    }
    if (kinds.empty()) return out + "Nothing to do.\n";
    out += "| rule | kind | lines |\n|---|---|---|\n";
    for (const auto& [rule, count] : kinds)
        out += fmt::format("| {} | {} | {} |\n", rule_name(rule), find_rule(rule)->kind, count);
    for (const auto& [path, findings] : files) {
        out += fmt::format("\n### `{}` ({})\n", path, findings.size());
        for (const Finding* f : findings)
            out += fmt::format("- [ ] line {}: {} {}, {}: `{}`\n", f->line, rule_name(f->rule),
                               level_name(f->level), f->message, cell(f->snippet));
    }
    if (!report.not_read.empty()) {
        out += "\n### Not read\n";
        for (const auto& file : report.not_read)
            out += fmt::format("- `{}`: {}\n", file.path, file.reason);
    }
    return out;
}

std::string to_github(const Report& report) {
    std::string out;
    for (const auto& f : report.findings) {
        if (!f.open()) continue;
        const std::string_view command = f.level == Level::kError     ? "error"
                                         : f.level == Level::kWarning ? "warning"
                                                                      : "notice";
        if (f.level == Level::kNote)
            continue;  // GitHub shows ten of each: notes would only hide the rest
        out += fmt::format(
            "::{} file={},line={},col={},endColumn={},title={}::{}\n", command,
            command_property(f.path), f.line, f.column, f.end_column,
            command_property(rule_name(f.rule) + " " + std::string(find_rule(f.rule)->kind)),
            command_data(f.message));
    }
    return out + fmt::format("{} errors, {} warnings\n", report.count(Level::kError),
                             report.count(Level::kWarning));
}

}  // namespace segue::audit
