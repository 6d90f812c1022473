#include <algorithm>
#include <map>

#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"
#include "base/json.hpp"

namespace segue::audit {
namespace {

void write_finding(json::Writer& w, const Finding& f) {
    const Rule* rule = find_rule(f.rule);
    w.begin_object();
    w.member("id", f.id)
        .member("rule", rule_name(f.rule))
        .member("kind", rule != nullptr ? rule->kind : "");
    w.member("level", level_name(f.level)).member("confidence", confidence_name(f.confidence));
    w.member("path", f.path).member("line", f.line).member("column", f.column);
    w.member("end_line", f.end_line).member("end_column", f.end_column);
    w.member("byte_start", f.byte_start).member("byte_end", f.byte_end);
    w.member("token", f.token)
        .member("snippet", f.snippet)
        .member("message", f.message)
        .member("symbol", f.symbol);
    w.key("why").begin_array();
    for (const auto& step : f.why)
        w.begin_object()
            .member("path", step.path)
            .member("line", step.line)
            .member("what", step.what)
            .end_object();
    w.end_array();
    w.key("also").begin_array();
    for (const int also : f.also)
        w.string(rule_name(also));
    w.end_array();
    w.key("breaks_at_runtime").boolean(f.breaks_at_runtime);
    w.key("fix")
        .begin_object()
        .member("mode", f.fix.mode)
        .member("step", f.fix.step)
        .member("to", f.fix.to)
        .end_object();
    w.key("outside_git").boolean(f.outside_git);
    w.member("baseline", f.known ? "known" : "new");
    if (f.suppressed.empty())
        w.member_null("suppressed");
    else
        w.key("suppressed")
            .begin_object()
            .member("kind", f.suppressed_in_source ? "inSource" : "external")
            .member("reason", f.suppressed)
            .member("until", f.suppressed_until)
            .end_object();
    w.end_object();
}

}  // namespace

void write_counts(json::Writer& w, const std::map<std::string, std::size_t>& counts) {
    w.begin_object();
    for (const auto& [name, count] : counts)
        w.member(name, count);
    w.end_object();
}

void write_levels(json::Writer& w, const Report& report) {
    w.begin_object();
    for (const auto level : {Level::kError, Level::kWarning, Level::kNote})
        w.member(level_name(level), report.count(level));
    w.end_object();
}

void write_exceptions(json::Writer& w, const Report& report) {
    w.key("not_read").begin_array();
    for (const auto& file : report.not_read)
        w.begin_object().member("path", file.path).member("reason", file.reason).end_object();
    w.end_array().key("suppressions").begin_array();
    for (const auto& s : report.suppressions)
        w.begin_object()
            .member("place", s.place)
            .member("reason", s.reason)
            .member("owner", s.owner)
            .member("until", s.until)
            .member("used", s.used)
            .end_object();
    w.end_array();
}

std::string folder_of(std::string_view path) {
    const auto slash = path.find('/');
    return slash == std::string_view::npos ? "." : std::string(path.substr(0, slash));
}

std::string to_json(const Report& report) {
    std::map<std::string, std::size_t> kinds;
    std::map<std::string, std::size_t> folders;
    for (const auto& f : report.findings) {
        if (!f.open()) continue;
        const Rule* rule = find_rule(f.rule);
        ++kinds[rule != nullptr ? std::string(rule->kind) : ""];
        ++folders[folder_of(f.path)];
    }
    std::string out;
    json::Writer w(out);
    w.begin_object().member("schema", "segue-audit/1");
    w.key("tool")
        .begin_object()
        .member("version", SEGUE_VERSION)
        .member("rules_sha256", rules_sha256())
        .end_object();
    w.key("tree").begin_object();
    if (report.commit.empty())
        w.member_null("commit");
    else
        w.member("commit", report.commit);
    w.key("dirty")
        .boolean(report.dirty)
        .member("files", report.stats.files)
        .member("bytes", report.stats.bytes);
    w.member("sha256", report.tree_sha256).end_object();
    w.key("summary").begin_object().key("level");
    write_levels(w, report);
    w.key("kind");
    write_counts(w, kinds);
    w.key("folder");
    write_counts(w, folders);
    w.member("suppressed", std::count_if(report.findings.begin(), report.findings.end(),
                                         [](const Finding& f) { return !f.suppressed.empty(); }));
    w.end_object();
    w.key("findings").begin_array();
    for (const auto& f : report.findings)
        write_finding(w, f);
    w.end_array();
    write_exceptions(w, report);
    w.key("stats")
        .begin_object()
        .member("scanned", report.stats.files)
        .member("matched", report.stats.matched);
    w.member("parsed", report.stats.parsed)
        .member("parsed_bytes", report.stats.parsed_bytes)
        .member("seconds", report.stats.seconds)
        .end_object();
    w.end_object();
    return out + "\n";
}

}  // namespace segue::audit
