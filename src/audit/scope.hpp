/// Which files an audit reads. All of them; or with --since what changed, with as much of the rest
/// as its findings can depend on: settings and deployment files, and the code that lies nearest.
/// Blocking; asks git and the file system.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/audit.hpp"
#include "audit/walk/walker.hpp"

namespace segue::audit {

struct Scope {
    Walk walk;                                  // what is read
    std::vector<std::string> paths;             // the whole tree
    std::optional<Changes> changes;             // since the revision
    std::optional<std::set<std::string>> only;  // files that get findings; none = all

    const std::set<std::string>* judged() const { return only ? &*only : nullptr; }
};

/// `visit` is called once with each file that is read, on several threads.
Result<Scope> scope_of(const Options& options, const Visit& visit);
/// Findings on lines that were there before the revision are known.
void mark_since(const Scope& scope, Report& report);

}  // namespace segue::audit
