/// Which findings are known: those of a baseline file.
#pragma once

#include <string>

#include "audit/audit.hpp"

namespace segue::audit {

/// `file` is JSON as `segue audit --json` or `--write-baseline` writes it.
Result<void> mark_baseline(const std::string& file, Report& report);
/// Ids of all open findings, one a line of JSON, small enough for review.
std::string baseline_json(const Report& report);

}  // namespace segue::audit
