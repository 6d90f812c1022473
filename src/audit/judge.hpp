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

/// SEG156: lines that hold the letters in another name ("dollama", somebody else's URL) and that no
/// finding of the file stands on. For readers who ask why a line was left alone.
std::vector<Finding> look_alikes(const ParsedFile& file, const std::vector<Finding>& found);
/// The letters are there, in any case, whatever word they belong to.
bool has_letters(std::string_view text);

/// A finding at a place of a file, with line, columns, masked token and snippet filled in.
Finding finding_at(const ParsedFile& file, std::size_t begin, std::size_t end);
/// Passwords, tokens and user info of URLs become "***".
std::string masked(std::string_view text);
/// Fingerprints: rule, path, token, symbol, ordinal among equals.
void number(std::vector<Finding>& findings);

}  // namespace segue::audit
