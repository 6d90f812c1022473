/// The tree on disk: reading it for a plan, writing a plan so that a kill at any moment leaves each
/// file old or new and `undo` working, and taking it back. Blocking; one process a tree.
#pragma once

#include <string>
#include <vector>

#include "audit/finding.hpp"
#include "audit/suppress.hpp"
#include "base/result.hpp"
#include "rewrite/plan.hpp"

namespace segue::rewrite {

struct LoadedTree {
    std::string root;        // absolute
    std::string prefix;      // of its paths below git's top: "" or "sub/"
    std::string git_folder;  // absolute; empty without git
    bool dirty = false;
    audit::Policy policy;
    std::vector<InputFile> files;
    std::vector<audit::NotRead> not_read;
};

/// A single file is its folder with only that file.
Result<LoadedTree> load_tree(const std::string& path);

struct Written {
    std::string patch;  // path of segue-rewrite.patch
    std::size_t files = 0;
};

/// Checks that every file still has the bytes that were planned on, saves them beside a journal,
/// writes segue-rewrite.patch, then the files one by one. On an error all is taken back.
Result<Written> write_plan(const LoadedTree& tree, const Plan& plan);

struct Undone {
    std::size_t files = 0;
    std::string step;
};

/// Takes the latest write back; refused when one of its files changed since.
Result<Undone> undo(const std::string& path);

}  // namespace segue::rewrite
