/// `segue rewrite` as one call over texts in memory: which bytes change, which files move, and what
/// is left to a person. Pure but for the clock of suppressions; writes nothing.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit.hpp"
#include "audit/suppress.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite {

enum class Step : std::uint8_t { kDropIn, kDual, kFinal };
std::optional<Step> step_named(std::string_view name);
std::string_view step_name(Step step);

struct Settings {
    Step step = Step::kFinal;
    std::string segue =
        "http://segue:8484";  // where Segue answers inside the application's network
    std::map<std::string, std::string, std::less<>> models;  // tag -> id, from --map
    std::set<int> only;                                      // rules; empty = all
    std::string owner = "@unowned";                          // of suppressions that dual writes
    WallTime today{};
};

struct InputFile {
    std::string path;
    std::string bytes;
    std::uint32_t mode = 0100644;
    bool outside_git = false;
};

/// What becomes of one file.
struct Changed {
    std::string old_path;  // empty: new
    std::string new_path;  // empty: removed
    std::string before;
    std::string after;
    std::uint32_t mode = 0100644;
    std::vector<Mark> marks;  // in `after`
    bool outside_git = false;
};

struct Plan {
    Step step = Step::kFinal;
    std::vector<Changed> files;       // by path
    std::vector<Todo> todos;          // by path and line
    std::size_t findings_before = 0;  // errors and warnings
    std::size_t findings_after = 0;

    /// Paths of the patch stand below `prefix` ("" or "sub/").
    std::string patch(std::string_view prefix = {}) const;
};

Plan plan(std::vector<InputFile> files, const audit::Policy& policy, const Settings& settings);

}  // namespace segue::rewrite
