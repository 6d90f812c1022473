/// What a plan looks like: for people, for programs, for a review. Pure.
#pragma once

#include <string>

#include "rewrite/plan.hpp"

namespace segue::rewrite {

/// The rules that wrote the lines of a run in the result, most frequent first.
std::vector<int> rules_of(const Changed& file, std::size_t new_line, std::size_t count);

/// Summary and numbered to-dos; goes to standard error beside the patch.
std::string summary(const Plan& plan);
/// File by file: what changes and by which rule, then the to-dos.
std::string plan_text(const Plan& plan);
/// schema segue-rewrite/1
std::string to_json(const Plan& plan, std::string_view patch);
/// Review pages: each run of lines with its rule, and a checklist.
std::string to_markdown(const Plan& plan);
std::string to_html(const Plan& plan);

}  // namespace segue::rewrite
