#include "audit/walk/walker.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include "audit/walk/ignore.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::string read_small(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text;
    char buffer[65536];
    while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(in.gcount()));
        if (text.size() > (1U << 20)) break;  // an ignore file of more than 1 MiB is none
    }
    return text;
}

/// Folders that hold nothing of the project: version control, caches, Ollama's own data.
bool never_read(std::string_view name) {
    static constexpr std::string_view kNames[] = {
        ".git",          ".hg",         ".svn", ".ollama", "__pycache__", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".tox", ".nox",    ".gradle",     ".terraform"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

/// Ignored by git, and read by the running application all the same.
bool runs_although_ignored(std::string_view name) {
    if (name.starts_with(".env")) return true;
    if (name.find(".local.") != std::string_view::npos || name.ends_with(".local")) return true;
    return name.find("compose") != std::string_view::npos &&
           (name.ends_with(".yml") || name.ends_with(".yaml"));
}

/// The ignore files from a folder up to the walk's root.
struct Rules {
    IgnoreFile file;
    std::shared_ptr<const Rules> above;
};

enum class Wanted : bool { kAll, kUntracked };

class Walker {
public:
    Walker(std::string root, std::string shown, UseIgnoreRules ignore, Wanted wanted,
           const Visit& visit, Walk& out)
        : root_(std::move(root)),
          shown_(std::move(shown)),
          ignore_(ignore),
          wanted_(wanted),
          visit_(visit),
          out_(out) {}

    void run(const GitFacts& git, unsigned threads) {
        git_ = &git;
        if (ignore_ == UseIgnoreRules::kYes) {
            if (!git.global_excludes.empty())
                above_.push_back({IgnoreFile::parse(read_small(git.global_excludes), ""), ""});
            add_rules_from_above(git);
        }
        for (const auto& module : git.submodules)
            not_read(module, "a git submodule: audit it on its own");
        in_parallel_from(Task{}, threads, [&](Task task, const auto& add) {
            if (task.files.empty()) folder(task, add);
            look(std::move(task.files));
        });
    }

private:
    static constexpr int kMaxDepth = 200;
    static constexpr std::size_t kAtOnce = 64;  // files of a folder that one thread visits

    /// A folder that is still to be listed; or, when it has files, those to be visited.
    struct Task {
        std::string path;  // from the root; empty: the root
        int depth = 0;
        bool ignored = false;  // by git; only what it tracks all the same is read
        std::shared_ptr<const Rules> rules;
        std::vector<WalkedFile> files;
    };

    std::string real_root() const {
        char resolved[PATH_MAX];
        return realpath(root_.c_str(), resolved) != nullptr ? resolved : root_;
    }
    /// A folder of a repository obeys the rules of the folders above it, up to the work tree's
    /// root.
    void add_rules_from_above(const GitFacts& git) {
        const std::string root = real_root();
        if (git.top.empty() || (root != git.top && !root.starts_with(git.top + "/"))) return;
        const std::string inside = root == git.top ? "" : root.substr(git.top.size() + 1) + "/";
        if (!git.exclude.empty())
            above_.push_back({IgnoreFile::parse(read_small(git.exclude), ""), inside});
        for (std::size_t at = 0; at < inside.size(); at = inside.find('/', at) + 1) {
            const std::string folder = git.top + "/" + inside.substr(0, at);
            auto file = IgnoreFile::parse(read_small(folder + ".gitignore"), "");
            if (!file.empty()) above_.push_back({std::move(file), inside.substr(at)});
        }
    }
    std::string shown(const std::string& path) const {
        return shown_.empty() ? path : shown_ + "/" + path;
    }
    void not_read(const std::string& path, std::string reason) {
        const std::scoped_lock lock(guard_);
        out_.not_read.push_back({shown(path), std::move(reason), false});
    }

    bool is_ignored(const Rules* rules, const std::string& path, Entry entry) const {
        for (; rules != nullptr; rules = rules->above.get()) {
            const auto answer = rules->file.match(path, entry);
            if (answer != Ignored::kUndecided) return answer == Ignored::kYes;
        }
        for (auto above = above_.rbegin(); above != above_.rend(); ++above) {
            const auto answer = above->file.match(above->prefix + path, entry);
            if (answer != Ignored::kUndecided) return answer == Ignored::kYes;
        }
        return false;
    }

    /// Lists it, hands the folders in it and most of its files on, and leaves the rest in `task`.
    template <class Add>
    void folder(Task& task, const Add& add) {
        const std::string absolute = task.path.empty() ? root_ : root_ + "/" + task.path;
        if (task.depth > kMaxDepth) return not_read(task.path, "folders nest deeper than 200");
        DIR* const handle = opendir(absolute.c_str());
        if (handle == nullptr) {
            auto reason = std::string("cannot open the folder: ") + std::strerror(errno);
            if (!task.path.empty()) return not_read(task.path, std::move(reason));
            out_.not_read.push_back({absolute, std::move(reason), true});
            return;
        }
        std::vector<std::pair<std::string, unsigned char>> entries;
        bool repository = false;
        bool rules = false;
        while (const dirent* entry = readdir(handle)) {
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") continue;
            repository = repository || name == ".git";
            rules = rules || (name == ".gitignore" && entry->d_type == DT_REG);
            entries.emplace_back(name, entry->d_type);
        }
        closedir(handle);
        if (repository && !task.path.empty())
            return not_read(task.path, "another git repository: audit it on its own");
        if (rules && ignore_ == UseIgnoreRules::kYes) {
            auto file = IgnoreFile::parse(read_small(absolute + "/.gitignore"), task.path);
            if (!file.empty())
                task.rules = std::make_shared<const Rules>(Rules{std::move(file), task.rules});
        }
        for (const auto& [name, type] : entries) {
            entry(task, task.path.empty() ? name : task.path + "/" + name, name, type, add);
            if (task.files.size() < kAtOnce) continue;
            Task some;
            some.files.swap(task.files);
            add(std::move(some));
        }
    }

    template <class Add>
    void entry(Task& task, const std::string& path, const std::string& name, unsigned char type,
               const Add& add) {
        const auto absolute = [&] { return root_ + "/" + path; };
        if (type == DT_UNKNOWN) {  // some file systems do not say
            struct stat facts {};
            if (lstat(absolute().c_str(), &facts) != 0)
                return not_read(path,
                                std::string("vanished or unreadable: ") + std::strerror(errno));
            type = static_cast<unsigned char>(IFTODT(facts.st_mode));
        }
        if (type == DT_LNK) {
            if (wanted_ == Wanted::kAll) link(path, absolute());
            return;
        }
        if (type == DT_DIR) {
            if (never_read(name)) return;
            if (std::find(git_->submodules.begin(), git_->submodules.end(), path) !=
                git_->submodules.end())
                return;
            bool ignored = task.ignored;
            if (!ignored && is_ignored(task.rules.get(), path, Entry::kFolder)) {
                struct stat inner {};
                if (lstat((absolute() + "/.git").c_str(), &inner) == 0)
                    return not_read(path, "another git repository: audit it on its own");
                // A child of an excluded folder cannot be re-included; only what git tracks is
                // read.
                if (wanted_ == Wanted::kUntracked || !git_->tracks_below(path)) return;
                ignored = true;
            }
            add(Task{path, task.depth + 1, ignored, task.rules, {}});
            return;
        }
        if (type != DT_REG) return;  // sockets, pipes, devices hold no source
        bool outside = false;
        if (git_->tracks(path)) {
            if (wanted_ == Wanted::kUntracked) return;
        } else {
            if (task.ignored) return;
            outside = is_ignored(task.rules.get(), path, Entry::kFile);
            if (outside && (wanted_ == Wanted::kUntracked || !runs_although_ignored(name))) return;
        }
        task.files.push_back({shown(path), absolute(), 0, outside});
    }

    void look(std::vector<WalkedFile> files) {
        if (visit_)
            for (auto& file : files)
                visit_(file);
        const std::scoped_lock lock(guard_);
        std::move(files.begin(), files.end(), std::back_inserter(out_.files));
    }

    void link(const std::string& path, const std::string& absolute) {
        char resolved[PATH_MAX];
        if (realpath(absolute.c_str(), resolved) == nullptr)
            return not_read(path, errno == ELOOP ? "a link in a loop" : "a broken link");
        const std::string root = real_root();
        const std::string_view target = resolved;
        if (target != root && !(target.starts_with(root) && target.size() > root.size() &&
                                target[root.size()] == '/'))
            not_read(path, "a link out of the tree");
    }

    std::string root_;
    std::string shown_;
    UseIgnoreRules ignore_;
    Wanted wanted_;
    const Visit& visit_;
    std::mutex guard_;  // of what out_ lists
    Walk& out_;
    const GitFacts* git_ = nullptr;
    struct Above {
        IgnoreFile file;
        std::string prefix;  // from the file's folder to the walk's root: "services/chat/"
    };
    std::vector<Above> above_;  // what rules the whole walk, weakest first
};

/// "no file or folder 'srcc'; did you mean 'src'?"
Error not_there(const std::string& path) {
    const auto slash = path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "."
                               : slash == 0               ? "/"
                                                          : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    std::vector<std::string> names;
    if (DIR* const handle = opendir(folder.c_str())) {
        while (const dirent* entry = readdir(handle))
            if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
        closedir(handle);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    std::string detail = "no file or folder '" + path + "'";
    if (const auto close = nearest(name, views))
        detail += "; did you mean '" +
                  (slash == std::string::npos ? std::string(*close)
                                              : path.substr(0, slash + 1) + std::string(*close)) +
                  "'?";
    else
        detail += "; name a path that exists";
    return Error{Fault::kNotFound, std::move(detail)};
}

std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

}  // namespace

std::string root_of(const std::vector<std::string>& paths) {
    std::string path = without_slashes(paths.front());
    struct stat facts {};
    if (stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return path;
    const auto slash = path.find_last_of('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

Result<Walk> walk(const std::vector<std::string>& paths, UseIgnoreRules ignore, const Visit& visit,
                  unsigned threads) {
    Walk out;
    out.root = root_of(paths);
    bool first = true;
    bool visited = false;
    for (const auto& named : paths) {
        const std::string path = without_slashes(named);
        struct stat facts {};
        if (stat(path.c_str(), &facts) != 0) return tl::make_unexpected(not_there(path));
        if (S_ISDIR(facts.st_mode)) {
            auto git = ask_git(path);
            // Paths may hold each other: then a file is visited when all are known.
            visited = paths.size() == 1;
            Walker(path, paths.size() == 1 || path == "." ? "" : path, ignore, Wanted::kAll,
                   visited ? visit : Visit{}, out)
                .run(git, threads);
            if (first) out.git = std::move(git);
        } else {
            if (first) out.git = ask_git(out.root);
            out.files.push_back({path, path, 0, false, true});
        }
        first = false;
    }
    std::sort(out.files.begin(), out.files.end(),
              [](const WalkedFile& a, const WalkedFile& b) { return a.path < b.path; });
    out.files.erase(
        std::unique(out.files.begin(), out.files.end(),
                    [](const WalkedFile& a, const WalkedFile& b) { return a.path == b.path; }),
        out.files.end());
    std::sort(out.not_read.begin(), out.not_read.end(),
              [](const NotRead& a, const NotRead& b) { return a.path < b.path; });
    if (visit && !visited)
        in_parallel(out.files.size(), threads, [&](std::size_t i) { visit(out.files[i]); });
    return out;
}

std::vector<std::string> untracked(const std::string& root, const GitFacts& git, unsigned threads) {
    Walk found;
    Walker(root, "", UseIgnoreRules::kYes, Wanted::kUntracked, Visit{}, found).run(git, threads);
    std::vector<std::string> out;
    for (auto& file : found.files)
        out.push_back(std::move(file.path));
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace segue::audit
