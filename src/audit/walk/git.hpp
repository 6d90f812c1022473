/// What git knows of a folder, asked from the git program; a folder without git, or a machine
/// without the program, gives an empty answer. Blocking; called once at the start.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace segue::audit {

struct GitFacts {
    bool there = false;
    std::string top;      // root of the work tree
    std::string commit;   // empty before the first commit
    std::string exclude;  // .git/info/exclude
    std::string global_excludes;
    std::string remote;                          // URL of origin
    std::set<std::string, std::less<>> tracked;  // relative to the folder asked for
    std::vector<std::string> submodules;
};

GitFacts ask_git(const std::string& folder);
/// Uncommitted changes of tracked files.
bool git_dirty(const std::string& folder);
/// Lines that are new since `revision`: path (relative to the folder) and line from 1; a file that
/// git does not track yet is new from its first to its last line (line 0).
Result<std::set<std::pair<std::string, std::uint32_t>>> changed_lines(const std::string& folder,
                                                                      const std::string& revision);

/// Runs a program without a shell and answers its output; nothing when it could not run or failed.
std::optional<std::string> output_of(const std::vector<std::string>& command);

}  // namespace segue::audit
