/// Lists the files that the audit reads: git's ignore rules, tracked files always, and what the
/// running application reads although git ignores it (.env, compose overrides). Nothing is skipped
/// in silence: what cannot be read is named. Blocking; on as many threads as asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audit/finding.hpp"
#include "audit/walk/git.hpp"
#include "base/result.hpp"

namespace segue::audit {

struct WalkedFile {
    std::string path;        // as findings show it
    std::string absolute;    // as it is opened
    std::uint64_t size = 0;  // 0 until it was read
    bool outside_git = false;
    bool named = false;    // given on the command line
    bool changed = false;  // since the revision that was asked for
    bool near = false;     // to one that changed: read as context, if there is such a file
    bool done = false;     // whoever reads the tree wants no more of it
};

struct Walk {
    std::vector<WalkedFile> files;  // sorted by path
    std::vector<NotRead> not_read;  // by path
    GitFacts git;                   // of the first folder
    std::string root;
};

enum class UseIgnoreRules : bool { kNo, kYes };

/// Called once with each file, on any thread; sets its size to the bytes that were read.
using Visit = std::function<void(WalkedFile&)>;

/// Where the paths of findings begin: the first path, or the folder of the first file.
std::string root_of(const std::vector<std::string>& paths);

/// A path that does not exist is an error that names the nearest one. A single folder's files are
/// visited while the walk goes on: most of a tree's time is to open what it holds.
Result<Walk> walk(const std::vector<std::string>& paths, UseIgnoreRules ignore,
                  const Visit& visit = {}, unsigned threads = 0);

/// Of a work tree: what git neither tracks nor is told to ignore, sorted. Folders that cannot be
/// opened hold none.
std::vector<std::string> untracked(const std::string& root, const GitFacts& git,
                                   unsigned threads = 0);

}  // namespace segue::audit
