#include "audit/suppress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "audit/judge.hpp"
#include "audit/proof/proof.hpp"
#include "audit/rules/rule.hpp"
#include "audit/walk/ignore.hpp"
#include "base/json.hpp"
#include "base/settings.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::string_view kMark = "segue: allow";

/// One comment: `segue: allow SEG103 SEG104 reason text until 2027-03-31 owner @ann`.
struct InSource {
    std::size_t file = 0;
    std::uint32_t line = 0;  // from 1
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<int> rules;
    std::string reason;
    std::string owner;
    std::string until;
    std::size_t used = 0;
};

bool is_date(std::string_view word) {
    return word.size() == 10 && word[4] == '-' && word[7] == '-' &&
           std::all_of(word.begin(), word.end(), [](char c) {
               return c == '-' || std::isdigit(static_cast<unsigned char>(c)) != 0;
           });
}

InSource parse_mark(std::string_view text) {
    InSource out;
    std::string_view previous;
    while (!text.empty()) {
        const auto begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) break;
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        auto word = text.substr(0, end);
        text.remove_prefix(end);
        if (word == "*/" || word == "-->" || word == "#}" || word == "--}}") break;
        if (word.ends_with(',')) word.remove_suffix(1);
        if (word.starts_with("SEG") && out.reason.empty()) {
            if (const Rule* rule = find_rule(word)) out.rules.push_back(rule->id);
        } else if (previous == "until" && is_date(word)) {
            out.until = std::string(word);
        } else if (previous == "owner") {
            out.owner = std::string(word);
        } else if (word != "until" && word != "owner" &&
                   !(word == "reason" && out.reason.empty())) {
            out.reason += (out.reason.empty() ? "" : " ") + std::string(word);
        }
        previous = word;
    }
    return out;
}

std::string today(const Options& options) {
    return rfc3339(options.today).substr(0, 10);
}

void own_finding(const ParsedFile* file, const std::string& path, std::size_t begin,
                 std::size_t end, int rule, std::string message, Report& report) {
    Finding finding;
    if (file != nullptr) finding = finding_at(*file, begin, end);
    finding.path = path;
    if (finding.line == 0)
        finding.line = finding.end_line = finding.column = finding.end_column =
            finding.column_utf16 = finding.end_column_utf16 = 1;
    finding.rule = rule;
    finding.level = Level::kWarning;
    finding.confidence = Confidence::kCertain;
    finding.message = std::move(message);
    finding.fix.mode = "none";
    report.findings.push_back(std::move(finding));
}

bool globbed(const std::vector<std::string>& globs, std::string_view path) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return wildmatch(glob, path) || path.starts_with(glob + "/");
    });
}

}  // namespace

Result<Policy> parse_policy(std::string_view text, const std::string& name) {
    Policy policy;
    std::vector<SettingIssue> issues;
    auto top = Settings::parse(
        text, name, [](std::string_view) { return std::optional<std::string>(); }, issues);
    policy.own_names = top.strings("own_names").value_or(std::vector<std::string>{});
    policy.gateway = top.strings("gateway").value_or(std::vector<std::string>{});
    policy.data_names = top.strings("data_names").value_or(std::vector<std::string>{});
    if (auto treat = top.section("treat_as")) {
        policy.history = treat->strings("history").value_or(std::vector<std::string>{});
        policy.generated = treat->strings("generated").value_or(std::vector<std::string>{});
        policy.vendored = treat->strings("vendored").value_or(std::vector<std::string>{});
        treat->finish();
    }
    for (Settings& entry : top.list("allow")) {
        Policy::Allow allow;
        allow.rules = entry.strings("rules").value_or(std::vector<std::string>{});
        allow.paths = entry.strings("paths").value_or(std::vector<std::string>{});
        allow.contains = entry.string("contains").value_or("");
        allow.reason = entry.string("reason").value_or("");
        allow.owner = entry.string("owner").value_or("");
        allow.until = entry.string("until").value_or("");
        if (allow.rules.empty())
            entry.complain("",
                           "name the rules that are allowed, as rules: [SEG123]; there is no "
                           "wildcard over all");
        for (const auto& rule : allow.rules)
            if (find_rule(rule) == nullptr)
                entry.complain(
                    "rules", fmt::format("there is no rule '{}'; see segue audit --explain", rule));
        if (!allow.until.empty() && !is_date(allow.until))
            entry.complain("until", "a date looks like 2027-03-31");
        entry.finish();
        policy.allow.push_back(std::move(allow));
    }
    for (const auto& [tag, id] : top.scalars("models")) {
        json::Parser parser;
        const auto value = parser.parse(id);
        if (!value || !value->is_string() || value->string().empty())
            top.complain(
                "models",
                fmt::format("'{}' needs the id of a model, as meta-llama/Llama-3.1-8B-Instruct",
                            tag));
        else
            policy.models.emplace(tag, value->string());
    }
    if (auto proof = top.section("proof")) {
        policy.proof.required = proof->strings("required").value_or(std::vector<std::string>{});
        for (const auto& part : policy.proof.required)
            if (!is_part(part))
                proof->complain(
                    "required",
                    fmt::format("there is no part '{}'; there are REFERENCES, FILES and "
                                "SEG201 to SEG211",
                                part));
        policy.proof.names = proof->strings("names").value_or(std::vector<std::string>{});
        for (const auto& port : proof->strings("ports").value_or(std::vector<std::string>{})) {
            int number = 0;
            const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
            if (read.ptr != port.data() + port.size() || number < 1 || number > 65535)
                proof->complain("ports", fmt::format("'{}' is no port", port));
            policy.proof.ports.push_back(number);
        }
        proof->finish();
    }
    top.finish();
    if (!issues.empty()) {
        std::string detail;
        for (const auto& issue : issues)
            detail += (detail.empty() ? "" : "\n") + issue.to_string();
        return fail(Fault::kInvalid, std::move(detail));
    }
    return policy;
}

void suppress(const std::vector<ParsedFile>& files, const Policy& policy, const Options& options,
              Report& report) {
    std::vector<InSource> marks;
    std::map<std::string, std::size_t, std::less<>> index;
    for (std::size_t i = 0; i < files.size(); ++i) {
        index[files[i].source.path()] = i;
        const auto text = files[i].source.text();
        for (std::size_t at = 0; (at = text.find(kMark, at)) != std::string_view::npos;
             at += kMark.size()) {
            const auto segment = segment_at(files[i].segments, static_cast<std::uint32_t>(at));
            if (files[i].segments.list.empty()) continue;
            const auto region = files[i].segments.list[segment].region;
            if (region != Region::kComment && region != Region::kProse && region != Region::kText)
                continue;
            if (region == Region::kProse &&
                files[i].source.line_at(at).find("<!--") == std::string_view::npos)
                continue;
            const auto line = files[i].source.line_of(at);
            const auto whole = files[i].source.line(line);
            const auto start = files[i].source.line_start(line);
            InSource mark = parse_mark(whole.substr(at - start + kMark.size()));
            mark.file = i;
            mark.line = line + 1;
            mark.begin = at;
            mark.end = start + whole.size();
            marks.push_back(std::move(mark));
        }
    }
    const std::string now = today(options);
    const auto usable = [&](const auto& mark) {
        return !mark.rules.empty() && !mark.reason.empty() && !mark.owner.empty() &&
               (mark.until.empty() || mark.until >= now);
    };
    std::map<std::pair<std::string, std::uint32_t>, std::vector<InSource*>> by_line;
    for (auto& mark : marks) {
        by_line[{files[mark.file].source.path(), mark.line}].push_back(&mark);
        by_line[{files[mark.file].source.path(), mark.line + 1}].push_back(&mark);
    }
    std::vector<std::size_t> used(policy.allow.size(), 0);
    for (auto& finding : report.findings) {
        // The comment that allows is no finding itself.
        if (const auto here = by_line.find({finding.path, finding.line}); here != by_line.end()) {
            for (InSource* mark : here->second) {
                const bool matches = std::find(mark->rules.begin(), mark->rules.end(),
                                               finding.rule) != mark->rules.end();
                const bool itself = mark->line == finding.line &&
                                    finding.byte_start >= mark->begin &&
                                    finding.byte_start < mark->end;
                if (!matches && !itself) continue;
                if (!itself) ++mark->used;
                if (usable(*mark)) {
                    finding.suppressed = mark->reason;
                    finding.suppressed_until = mark->until;
                    finding.suppressed_in_source = true;
                }
            }
        }
        for (std::size_t i = 0; i < policy.allow.size(); ++i) {
            const auto& allow = policy.allow[i];
            const bool rule =
                std::any_of(allow.rules.begin(), allow.rules.end(), [&](const std::string& name) {
                    const Rule* known = find_rule(name);
                    return known != nullptr && known->id == finding.rule;
                });
            if (!rule || (!allow.paths.empty() && !globbed(allow.paths, finding.path)) ||
                (!allow.contains.empty() &&
                 finding.snippet.find(allow.contains) == std::string::npos))
                continue;
            ++used[i];
            if (usable(allow) && finding.suppressed.empty()) {
                finding.suppressed = allow.reason;
                finding.suppressed_until = allow.until;
            }
        }
    }
    const auto complain = [&](const auto& mark, std::size_t count, const ParsedFile* file,
                              const std::string& path, std::size_t begin, std::size_t end) {
        if (mark.rules.empty() || mark.reason.empty() || mark.owner.empty())
            own_finding(
                file, path, begin, end, 170,
                fmt::format("this suppression has no {}; it allows nothing until it is complete",
                            mark.rules.empty()    ? "rule"
                            : mark.reason.empty() ? "reason"
                                                  : "owner"),
                report);
        else if (!mark.until.empty() && mark.until < now)
            own_finding(file, path, begin, end, 171,
                        fmt::format("this suppression expired on {}", mark.until), report);
        else if (count == 0)
            own_finding(file, path, begin, end, 172,
                        "this suppression suppresses nothing; remove it", report);
    };
    for (const auto& mark : marks) {
        const auto& file = files[mark.file];
        complain(mark, mark.used, &file, file.source.path(), mark.begin, mark.end);
        report.suppressions.push_back({fmt::format("{}:{}", file.source.path(), mark.line),
                                       mark.reason, mark.owner, mark.until, mark.used});
    }
    for (std::size_t i = 0; i < policy.allow.size(); ++i) {
        complain(policy.allow[i], used[i], nullptr, "segue-audit.yaml", 0, 0);
        report.suppressions.push_back({fmt::format("segue-audit.yaml, entry {}", i + 1),
                                       policy.allow[i].reason, policy.allow[i].owner,
                                       policy.allow[i].until, used[i]});
    }
}

}  // namespace segue::audit
