/// Edits as byte ranges over one text, and what becomes of those that meet. Pure functions; nothing
/// outside the ranges changes, so formatting, encodings and line ends survive.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace segue::rewrite {

struct Edit {
    std::size_t start = 0;
    std::size_t end = 0;
    std::string text;
    int rule = 0;           // 104 is SEG104
    std::size_t group = 0;  // edits of one group happen together or not at all
    bool operator==(const Edit&) const = default;
};

/// Sorts, and merges identical ones. Groups that cannot be kept are answered: one with a range
/// outside the text, and of two that meet the one with the longer range (the outer one): what the
/// inner one knows is more exact. Edits of those groups are left out.
std::vector<std::size_t> settle(std::size_t size, std::vector<Edit>& edits);

/// `edits` are settled. Line ends in an edit's text become those of its place.
std::string apply_edits(std::string_view text, const std::vector<Edit>& edits);

/// Where a byte of the old text lies in the new one; inside an edit: its beginning.
std::size_t moved(std::size_t at, const std::vector<Edit>& edits, std::string_view text);

}  // namespace segue::rewrite
