/// From tokens to findings: asks every rule, gives each line to the claim that decides its rewrite,
/// and turns what only looks like a reference into a note or into nothing. Stateless.
#pragma once

#include <set>
#include <vector>

#include "audit/finding.hpp"
#include "audit/model.hpp"

namespace segue::audit {

std::vector<Finding> judge(const ParsedFile& file, const Model& model,
                           const std::set<int>& disabled);

/// A finding at a place of a file, with line, columns, masked token and snippet filled in.
Finding finding_at(const ParsedFile& file, std::size_t begin, std::size_t end);
/// Passwords, tokens and user info of URLs become "***".
std::string masked(std::string_view text);
/// Fingerprints: rule, path, token, symbol, ordinal among equals.
void number(std::vector<Finding>& findings);

}  // namespace segue::audit
