#include "audit/scope.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <future>
#include <iterator>
#include <utility>

#include "audit/paths.hpp"
#include "audit/read/form.hpp"
#include "audit/suppress.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

// What is read beside the changed files. A repository below this is read as a whole.
constexpr std::size_t kNearFiles = 1'000;
constexpr std::uint64_t kNearBytes = 12U << 20;

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

/// Reads what changed, and what of git's files lies near it.
class NearReader {
public:
    NearReader(const Changes& changes, const Options& options, const Visit& visit, Walk& walk)
        : changes_(changes), options_(options), visit_(visit), walk_(walk) {}

    void run() {
        std::vector<WalkedFile> files;
        for (const auto& [path, lines] : changes_.files) {
            if (anchors_.size() < kAnchors) anchors_.push_back(path);
            files.push_back(file(path));
            files.back().changed = true;
        }
        read(std::move(files));
        std::vector<Near> settings;
        std::vector<Near> others;
        std::string_view folder;
        std::size_t steps = 0;
        for (const auto& path : walk_.git.tracked) {
            if (changes_.files.contains(path)) continue;
            const auto its = std::string_view(path).substr(0, path.size() - base_name(path).size());
            if (steps == 0 || its != folder) {  // git lists a folder's files one after the other
                folder = its;
                steps = 1 + steps_to(folder);
            }
            (gives_names(path) ? settings : others).push_back({steps, &path});
        }
        read_nearest(settings, kNearFiles / 3, kNearBytes / 3);
        read_nearest(others, kNearFiles, kNearBytes);
    }

private:
    static constexpr std::size_t kAnchors = 32;  // of a large change: more would say little
    static constexpr std::size_t kAtOnce = 512;  // files, before their bytes are counted

    /// A file, and how near it is to what changed. Of two that are as near, the first in the list.
    struct Near {
        std::size_t steps = 0;
        const std::string* path = nullptr;
        auto operator<=>(const Near&) const = default;
    };

    std::size_t steps_to(std::string_view folder) const {
        std::size_t best = SIZE_MAX - 1;
        for (const auto anchor : anchors_)
            best = std::min(best, distance(folder, anchor));
        return best;
    }

    /// How large a file is shows when it was read, so some are read at a time.
    void read_nearest(std::vector<Near>& list, std::size_t files, std::uint64_t bytes) {
        const auto some = std::min(list.size(), 2 * files);
        const auto nearest = list.begin() + static_cast<std::ptrdiff_t>(some);
        std::nth_element(list.begin(), nearest, list.end());
        std::sort(list.begin(), nearest);
        for (std::size_t i = 0; i < some && files > 0 && bytes > 0;) {
            std::vector<WalkedFile> wanted;
            for (; i < some && wanted.size() < std::min(files, kAtOnce); ++i) {
                const auto form = classify(*list[i].path, {});
                if (form.derived || form.history || (form.doc && !form.manifest)) continue;
                wanted.push_back(file(*list[i].path));
                wanted.back().near = true;
            }
            for (auto at = read(std::move(wanted)); at < walk_.files.size(); ++at) {
                const auto size = walk_.files[at].size;
                files -= size > 0 ? 1 : 0;
                bytes -= std::min(bytes, size);
            }
        }
    }

    WalkedFile file(const std::string& path) const { return {path, walk_.root + "/" + path}; }
    /// Answers where they begin among all that were read.
    std::size_t read(std::vector<WalkedFile> files) {
        in_parallel(files.size(), options_.threads, [&](std::size_t i) { visit_(files[i]); });
        const auto first = walk_.files.size();
        std::move(files.begin(), files.end(), std::back_inserter(walk_.files));
        return first;
    }

    const Changes& changes_;
    const Options& options_;
    const Visit& visit_;
    Walk& walk_;
    std::vector<std::string_view> anchors_;
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
    auto asked = std::async(std::launch::async,
                            [&root, &options] { return changes_since(root, options.since); });
    scope.walk.git = ask_git(root);
    auto found = asked.get();
    const auto& tracked = scope.walk.git.tracked;
    const auto policy = std::string(kPolicyFile);
    if (!scope.walk.git.there) return std::optional<Scope>();
    SEGUE_TRY(changes, std::move(found));
    if (changes.files.contains(policy) ||
        (!scope.walk.git.tracks(policy) && lstat((root + "/" + policy).c_str(), &facts) == 0))
        return std::optional<Scope>();
    for (const auto& path : untracked(root, scope.walk.git, options.threads))
        changes.add(path);
    if (!changes.files.empty()) NearReader(changes, options, visit, scope.walk).run();
    std::sort(scope.walk.files.begin(), scope.walk.files.end(),
              [](const WalkedFile& a, const WalkedFile& b) { return a.path < b.path; });
    scope.paths = tracked;
    scope.only.emplace();
    for (const auto& [path, lines] : changes.files) {
        scope.only->insert(path);
        if (!scope.walk.git.tracks(path)) scope.paths.push_back(path);
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
        SEGUE_TRY(changes, changes_since(scope.walk.root, options.since));
        for (const auto& path : untracked(scope.walk.root, scope.walk.git, options.threads))
            changes.add(path);
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
