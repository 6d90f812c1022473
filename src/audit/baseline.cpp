#include "audit/baseline.hpp"

#include <fstream>
#include <iterator>
#include <set>

#include "base/json.hpp"

namespace segue::audit {

Result<void> mark_baseline(const std::string& file, Report& report) {
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return fail(Fault::kNotFound, "cannot read the baseline '" + file +
                                          "'; write one with segue audit --write-baseline " + file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    json::Parser parser;
    const auto parsed = parser.parse(text);
    if (!parsed || !(*parsed)["findings"].is_array())
        return fail(
            Fault::kInvalid,
            "'" + file + "' is no baseline; write one with segue audit --write-baseline " + file);
    std::set<std::string, std::less<>> known;
    for (const auto finding : (*parsed)["findings"])
        known.emplace(finding["id"].string());
    for (auto& finding : report.findings)
        if (known.contains(finding.id)) finding.known = true;
    return {};
}

std::string baseline_json(const Report& report) {
    std::string out = "{\"schema\":\"segue-audit-baseline/1\",\"findings\":[";
    bool first = true;
    for (const auto& finding : report.findings) {
        if (!finding.suppressed.empty() || finding.level == Level::kNote) continue;
        out += first ? "\n" : ",\n";
        first = false;
        out += json::object([&](json::Writer& w) {
            w.member("id", finding.id)
                .member("rule", rule_name(finding.rule))
                .member("path", finding.path);
        });
    }
    return out + "\n]}\n";
}

}  // namespace segue::audit
