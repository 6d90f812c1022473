/// A patch as `git apply` takes it: one file's change, with renames, new and deleted files. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace segue::rewrite {

/// A run of lines that differs. Lines from 0.
struct Hunk {
    std::size_t old_line = 0;
    std::size_t old_count = 0;
    std::size_t new_line = 0;
    std::size_t new_count = 0;
};

std::vector<std::string_view> lines_of(std::string_view text);
/// The shortest edit script by lines (Myers); a change too large for it is one run.
std::vector<Hunk> compare(const std::vector<std::string_view>& before,
                          const std::vector<std::string_view>& after);

struct FileChange {
    std::string old_path;  // empty: a new file
    std::string new_path;  // empty: deleted
    std::string_view before;
    std::string_view after;
    std::uint32_t mode = 0100644;
};

/// With three lines of context.
std::string patch_of(const FileChange& change);

}  // namespace segue::rewrite
