/// Lists the files that the audit reads: git's ignore rules, tracked files always, and what the
/// running application reads although git ignores it (.env, compose overrides). Nothing is skipped
/// in silence: what cannot be read is named. Blocking; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/finding.hpp"
#include "audit/walk/git.hpp"
#include "base/result.hpp"

namespace segue::audit {

struct WalkedFile {
    std::string path;      // as findings show it
    std::string absolute;  // as it is opened
    std::uint64_t size = 0;
    bool outside_git = false;
    bool named = false;  // given on the command line
};

struct Walk {
    std::vector<WalkedFile> files;  // sorted by path
    std::vector<NotRead> not_read;
    GitFacts git;  // of the first folder
    std::string root;
};

enum class UseIgnoreRules : bool { kNo, kYes };

/// A path that does not exist is an error that names the nearest one.
Result<Walk> walk(const std::vector<std::string>& paths, UseIgnoreRules ignore);

}  // namespace segue::audit
