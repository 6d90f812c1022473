#include "audit/scope.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <future>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "audit/paths.hpp"
#include "audit/read/form.hpp"
#include "audit/suppress.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

// What is read beside the changed files. A repository below this is read as a whole.
constexpr std::size_t kNearFiles = 1'500;
constexpr std::uint64_t kNearBytes = 12U << 20;
constexpr std::uint64_t kNearFileBytes = 512U << 10;  // a larger one is data

/// Settings and deployment: what gives names to addresses and models. By the name alone, since it
/// is asked of every path of the tree.
bool gives_names(std::string_view path) {
    static constexpr std::array<std::string_view, 8> kEndings{
        ".env", ".yml", ".yaml", ".toml", ".ini", ".properties", ".cfg", ".tpl"};
    const auto name = base_name(path);
    if (name.starts_with(".env") || name.starts_with("Dockerfile") || name == "package.json")
        return true;
    return std::any_of(kEndings.begin(), kEndings.end(),
                       [&](std::string_view end) { return name.ends_with(end); });
}

/// How many steps lie between two folders.
std::size_t distance(std::string_view a, std::string_view b) {
    const auto depth = [](std::string_view text) {
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
    };
    const auto same = static_cast<std::size_t>(
        std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    const auto common = a.substr(0, same);
    return depth(a) + depth(b) - 2 * depth(common);
}

/// A file of the tree, and how near it is to what changed.
struct Near {
    std::size_t steps = 0;
    const std::string* path = nullptr;
    bool operator<(const Near& other) const {
        return std::tie(steps, *path) < std::tie(other.steps, *other.path);
    }
};

class Chooser {
public:
    Chooser(const std::string& root, Scope& scope) : root_(root), scope_(scope) {}

    /// Adds `changed` to what is read, and what lies near it. Called again it adds to that, as much
    /// again at most. Answers the first file that was added.
    std::size_t add(const std::vector<std::string>& changed) {
        const auto first = scope_.walk.files.size();
        anchors_.clear();
        for (const auto& path : changed) {
            if (anchors_.size() < 32) anchors_.push_back(path);
            if (take(path, UINT64_MAX) > 0) scope_.walk.files.back().changed = true;
        }
        std::vector<Near> settings;
        std::vector<Near> others;
        for (const auto& path : scope_.walk.git.tracked)
            if (!taken_.contains(path))
                (gives_names(path) ? settings : others).push_back({steps(path), &path});
        take_nearest(settings, kNearFiles / 3, kNearBytes / 3);
        take_nearest(others, kNearFiles, kNearBytes);
        return first;
    }

private:
    std::size_t steps(const std::string& path) const {
        std::size_t best = SIZE_MAX;
        for (const auto& anchor : anchors_)
            best = std::min(best, distance(path, anchor));
        return best;
    }

    void take_nearest(std::vector<Near>& list, std::size_t files, std::uint64_t bytes) {
        const auto some = std::min(list.size(), 2 * files);
        const auto nearest = list.begin() + static_cast<std::ptrdiff_t>(some);
        std::nth_element(list.begin(), nearest, list.end());
        std::sort(list.begin(), nearest);
        for (std::size_t i = 0; i < some && files > 0 && bytes > 0; ++i) {
            const auto form = classify(*list[i].path, {});
            if (form.derived || form.history || (form.doc && !form.manifest)) continue;
            const auto taken = take(*list[i].path, kNearFileBytes);
            files -= taken > 0 ? 1 : 0;
            bytes -= std::min(bytes, taken);
        }
    }

    /// Answers its size; 0 when it was not taken.
    std::uint64_t take(const std::string& path, std::uint64_t limit) {
        const std::string absolute = root_ + "/" + path;
        struct stat facts {};
        if (lstat(absolute.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return 0;
        const auto size = static_cast<std::uint64_t>(facts.st_size);
        if (size > limit) return 0;
        scope_.walk.files.push_back({path, absolute, size});
        taken_.insert(path);
        return std::max<std::uint64_t>(size, 1);
    }

    const std::string& root_;
    Scope& scope_;
    std::vector<std::string> anchors_;
    std::unordered_set<std::string> taken_;
};

/// Nothing when the whole tree must be read: no repository, several paths, a changed policy.
Result<std::optional<Scope>> changed_scope(const Options& options, const Visit& visit) {
    const std::string root = root_of(options.paths);
    struct stat facts {};
    if (options.paths.size() != 1 || options.everything || options.ignore == UseIgnoreRules::kNo ||
        stat(options.paths.front().c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
        return std::optional<Scope>();
    Scope scope;
    scope.walk.root = root;
    auto untracked = ask_untracked(root);
    auto asked = std::async(std::launch::async,
                            [&root, &options] { return changes_since(root, options.since); });
    scope.walk.git = ask_git(root);
    auto found = asked.get();
    const auto& tracked = scope.walk.git.tracked;
    const auto policy = std::string(kPolicyFile);
    if (!scope.walk.git.there) return std::optional<Scope>();
    SEGUE_TRY(changes, std::move(found));
    if (changes.files.contains(policy) ||
        (!tracked.contains(policy) && lstat((root + "/" + policy).c_str(), &facts) == 0))
        return std::optional<Scope>();
    // What is near to changes of tracked files is read while git still looks for untracked ones.
    Chooser chooser(root, scope);
    auto& files = scope.walk.files;
    const auto read = [&](const std::vector<std::string>& changed) {
        const auto first = chooser.add(changed);
        in_parallel(files.size() - first, options.threads,
                    [&](std::size_t i) { visit(files[first + i]); });
    };
    std::vector<std::string> changed;
    for (const auto& [path, lines] : changes.files)
        changed.push_back(path);
    if (!changed.empty()) read(changed);
    const auto fresh = add_untracked(untracked, changes);
    if (!fresh.empty()) read(fresh);
    std::sort(files.begin(), files.end(),
              [](const WalkedFile& a, const WalkedFile& b) { return a.path < b.path; });
    scope.paths.assign(tracked.begin(), tracked.end());
    scope.only.emplace();
    for (const auto& [path, lines] : changes.files) {
        scope.only->insert(path);
        if (!tracked.contains(path)) scope.paths.push_back(path);
    }
    scope.changes = std::move(changes);
    return std::optional(std::move(scope));
}

}  // namespace

Result<Scope> scope_of(const Options& options, const Visit& visit) {
    if (!options.since.empty()) {
        SEGUE_TRY(changed, changed_scope(options, visit));
        if (changed) return std::move(*changed);
    }
    Scope scope;
    SEGUE_TRY(walked, walk(options.paths, options.ignore, visit, options.threads));
    scope.walk = std::move(walked);
    for (const auto& file : scope.walk.files)
        scope.paths.push_back(file.path);
    if (!options.since.empty()) {
        if (!scope.walk.git.there)
            return fail(Fault::kInvalid, "--since needs a git repository, and " + scope.walk.root +
                                             " is none; use --baseline instead");
        auto untracked = ask_untracked(scope.walk.root);
        SEGUE_TRY(changes, changes_since(scope.walk.root, options.since));
        add_untracked(untracked, changes);
        scope.changes = std::move(changes);
    }
    return scope;
}

void mark_since(const Scope& scope, Report& report) {
    if (!scope.changes) return;
    for (auto& finding : report.findings)
        finding.known = finding.known || !scope.changes->holds(finding.path, finding.line);
}

}  // namespace segue::audit
