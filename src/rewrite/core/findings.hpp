/// The findings of one file by line: which lines the audit wants changed. Made once a file and
/// stage; points into the report.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "audit/audit.hpp"
#include "rewrite/core/places.hpp"

namespace segue::rewrite {

class FileFindings {
public:
    FileFindings(const File& file, const audit::Report& report) {
        for (const auto& finding : report.findings)
            if (finding.path == file.path && finding.level != audit::Level::kNote &&
                finding.suppressed.empty())
                by_line_[line_begin(file.text, finding.byte_start)].push_back(&finding);
    }
    /// Lines (their first byte) with an error or a warning.
    const std::map<std::size_t, std::vector<const audit::Finding*>>& lines() const {
        return by_line_;
    }
    bool on_line(std::size_t begin) const { return by_line_.contains(begin); }
    /// A finding of this rule, or of another one that also claims the line.
    bool has(std::size_t begin, int rule) const {
        const auto at = by_line_.find(begin);
        return at != by_line_.end() &&
               std::any_of(at->second.begin(), at->second.end(), [&](const auto* finding) {
                   return finding->rule == rule ||
                          std::find(finding->also.begin(), finding->also.end(), rule) !=
                              finding->also.end();
               });
    }

private:
    std::map<std::size_t, std::vector<const audit::Finding*>> by_line_;
};

}  // namespace segue::rewrite
