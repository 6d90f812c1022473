/// What a person would write where rewrite does not write by itself: native calls, fields and
/// packages in languages whose code is not transformed, commands in scripts. Tables; pure.
#pragma once

#include <string>

#include "audit/finding.hpp"
#include "rewrite/core/workspace.hpp"
#include "rewrite/models.hpp"

namespace segue::rewrite {

/// Empty: nothing better than the rule's own words.
std::string advice(const audit::Finding& finding, const File& file, const ModelMap& own,
                   const std::string& port);

}  // namespace segue::rewrite
