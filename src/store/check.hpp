/// Looks whether a database is in order: what `segue store check` tells.
///
/// Thread: any. Reads, and writes one row of its own.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/pool.hpp"

namespace segue::store {

struct CheckResult {
    std::string what;
    std::string found;    // when it is good
    std::string problem;  // "" = good; else what is wrong and what to do
};

Result<std::vector<CheckResult>> check(Pool& pool, const std::string& schema);

}  // namespace segue::store
