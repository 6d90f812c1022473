#include <algorithm>
#include <set>

#include "audit/output/output.hpp"
#include "audit/rules/rule.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// GitHub takes at most 25,000 results of a run; above that notes are folded, one a file.
constexpr std::size_t kMaxResults = 25'000;

std::string uri(std::string_view path) {
    std::string out;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') ||
                           std::string_view("/-._~").find(c) != std::string_view::npos;
        if (plain)
            out.push_back(c);
        else
            out += "%" + std::string(1, "0123456789ABCDEF"[byte >> 4]) +
                   std::string(1, "0123456789ABCDEF"[byte & 15]);
    }
    return out;
}

void location(json::Writer& w, std::string_view path, const Finding* f, std::uint32_t line) {
    w.key("physicalLocation").begin_object();
    w.key("artifactLocation")
        .begin_object()
        .member("uri", uri(path))
        .member("uriBaseId", "%SRCROOT%")
        .end_object();
    w.key("region").begin_object().member("startLine", std::max<std::uint32_t>(line, 1));
    if (f != nullptr) {
        w.member("startColumn", f->column_utf16)
            .member("endLine", f->end_line)
            .member("endColumn", std::max(f->end_column_utf16, f->column_utf16));
        w.member("byteOffset", f->byte_start).member("byteLength", f->byte_end - f->byte_start);
        w.key("snippet").begin_object().member("text", f->snippet).end_object();
    }
    w.end_object().end_object();
}

void rules(json::Writer& w) {
    const auto one = [&](const Rule& rule) {
        w.begin_object().member("id", rule_name(rule.id)).member("name", rule.kind);
        w.key("shortDescription").begin_object().member("text", rule.title).end_object();
        w.key("fullDescription").begin_object().member("text", rule.why).end_object();
        w.key("help")
            .begin_object()
            .member("text", rule.how)
            .member("markdown",
                    "**Why:** " + std::string(rule.why) + "\n\n**Fix:** " + std::string(rule.how))
            .end_object();
        w.key("defaultConfiguration")
            .begin_object()
            .member("level", level_name(rule.level))
            .end_object()
            .end_object();
    };
    w.key("rules").begin_array();
    for (const Rule* rule : all_rules())
        one(*rule);
    for (const Rule& rule : note_rules())
        one(rule);
    w.end_array();
}

void result(json::Writer& w, const Finding& f, bool since) {
    w.begin_object().member("ruleId", rule_name(f.rule)).member("level", level_name(f.level));
    w.key("message")
        .begin_object()
        .member("text", f.message.empty() ? std::string("a reference to Ollama") : f.message)
        .end_object();
    w.key("locations").begin_array().begin_object();
    location(w, f.path, &f, f.line);
    w.end_object().end_array();
    w.key("partialFingerprints")
        .begin_object()
        .member("segue/v1", f.id)
        .member("primaryLocationLineHash", f.id)
        .end_object();
    if (!f.why.empty()) {
        w.key("codeFlows")
            .begin_array()
            .begin_object()
            .key("threadFlows")
            .begin_array()
            .begin_object()
            .key("locations")
            .begin_array();
        for (const auto& step : f.why) {
            w.begin_object().key("location").begin_object();
            location(w, step.path, nullptr, step.line);
            w.key("message")
                .begin_object()
                .member("text", step.what)
                .end_object()
                .end_object()
                .end_object();
        }
        w.begin_object().key("location").begin_object();
        location(w, f.path, &f, f.line);
        w.key("message")
            .begin_object()
            .member("text", f.message)
            .end_object()
            .end_object()
            .end_object();
        w.end_array().end_object().end_array().end_object().end_array();
    }
    if (!f.suppressed.empty()) {
        w.key("suppressions")
            .begin_array()
            .begin_object()
            .member("kind", f.suppressed_in_source ? "inSource" : "external");
        w.member("status", "accepted")
            .member("justification", f.suppressed)
            .end_object()
            .end_array();
    }
    if (since) w.member("baselineState", f.known ? "unchanged" : "new");
    w.key("properties")
        .begin_object()
        .member("confidence", confidence_name(f.confidence))
        .key("breaksAtRuntime")
        .boolean(f.breaks_at_runtime)
        .end_object();
    w.end_object();
}

}  // namespace

std::string to_sarif(const Report& report) {
    std::string out;
    json::Writer w(out);
    w.begin_object()
        .member("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
        .member("version", "2.1.0");
    w.key("runs").begin_array().begin_object();
    w.key("tool")
        .begin_object()
        .key("driver")
        .begin_object()
        .member("name", "segue audit")
        .member("version", SEGUE_VERSION)
        .member("semanticVersion", SEGUE_VERSION);
    rules(w);
    w.end_object().end_object();
    w.key("columnKind").string("utf16CodeUnits");
    const bool since = std::any_of(report.findings.begin(), report.findings.end(),
                                   [](const Finding& f) { return f.known; });
    const bool fold = report.findings.size() > kMaxResults;
    std::set<std::pair<std::string, int>> folded;
    std::size_t left_out = 0;
    w.key("results").begin_array();
    for (const auto& f : report.findings) {
        if (fold && f.level == Level::kNote && !folded.emplace(f.path, f.rule).second) {
            ++left_out;
            continue;
        }
        result(w, f, since);
    }
    w.end_array();
    w.key("invocations")
        .begin_array()
        .begin_object()
        .key("executionSuccessful")
        .boolean(!report.named_unread());
    w.key("toolExecutionNotifications").begin_array();
    for (const auto& file : report.not_read) {
        w.begin_object()
            .member("level", "warning")
            .key("message")
            .begin_object()
            .member("text", "not read: " + file.reason)
            .end_object();
        w.key("locations").begin_array().begin_object();
        w.key("physicalLocation")
            .begin_object()
            .key("artifactLocation")
            .begin_object()
            .member("uri", uri(file.path))
            .end_object()
            .end_object();
        w.end_object().end_array().end_object();
    }
    if (left_out > 0)
        w.begin_object()
            .member("level", "note")
            .key("message")
            .begin_object()
            .member("text", std::to_string(left_out) + " notes were folded, one a file and rule")
            .end_object()
            .end_object();
    w.end_array().end_object().end_array();
    w.end_object().end_array().end_object();
    return out + "\n";
}

}  // namespace segue::audit
