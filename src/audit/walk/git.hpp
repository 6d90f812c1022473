/// What git knows of a folder, asked from the git program; a folder without git, or a machine
/// without the program, gives an empty answer. Blocking; called once at the start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace segue::audit {

struct GitFacts {
    bool there = false;
    std::string top;                   // root of the work tree
    std::string commit;                // empty before the first commit
    std::string exclude;               // .git/info/exclude
    std::string global_excludes;       // the user's own ignore file; it may not exist
    std::string remote;                // URL of origin
    std::vector<std::string> tracked;  // relative to the folder asked for; sorted, each once
    std::vector<std::string> submodules;

    bool tracks(std::string_view path) const;
    /// Something in the folder.
    bool tracks_below(std::string_view folder) const;
};

GitFacts ask_git(const std::string& folder);
/// Uncommitted changes of tracked files.
bool git_dirty(const std::string& folder);
/// What is new since a revision. Paths are relative to the folder that was asked for.
struct Changes {
    using Lines = std::pair<std::uint32_t, std::uint32_t>;  // first and last, from 1
    std::map<std::string, std::vector<Lines>, std::less<>> files;

    bool holds(std::string_view path, std::uint32_t line) const;
    /// Of a file that is new as a whole.
    void add(const std::string& path) { files[path] = {{0, UINT32_MAX}}; }
};
/// Lines of tracked files that differ from `revision` in the work tree.
Result<Changes> changes_since(const std::string& folder, const std::string& revision);
/// Reads `git diff --unified=0 --no-prefix` (its paths may be quoted).
Changes parse_diff(std::string_view diff);

/// A program that runs without a shell, beside us. Its output is collected by finish(); others may
/// run meanwhile. Waited for at the latest when this goes.
class Command {
public:
    static Command start(const std::vector<std::string>& command);
    ~Command() { (void)finish(); }
    Command(Command&& other) noexcept
        : output_(std::exchange(other.output_, -1)), child_(other.child_) {}
    Command& operator=(Command&&) = delete;
    /// Its output; nothing when it could not run or failed.
    std::optional<std::string> finish();

private:
    Command() = default;
    int output_ = -1;
    int child_ = 0;
};

/// Runs a program without a shell and answers its output; nothing when it could not run or failed.
std::optional<std::string> output_of(const std::vector<std::string>& command);

}  // namespace segue::audit
