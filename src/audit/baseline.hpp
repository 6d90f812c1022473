/// Which findings are known: those of a baseline file, and those on lines that were there before a
/// revision.
#pragma once

#include <string>

#include "audit/audit.hpp"

namespace segue::audit {

/// `file` is JSON as `segue audit --json` or `--write-baseline` writes it.
Result<void> mark_baseline(const std::string& file, Report& report);
Result<void> mark_since(const std::string& revision, Report& report);
/// Ids of all open findings, one a line of JSON, small enough for review.
std::string baseline_json(const Report& report);

}  // namespace segue::audit
