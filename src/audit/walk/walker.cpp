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

#include "audit/walk/ignore.hpp"
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

class Walker {
public:
    Walker(std::string root, std::string shown, UseIgnoreRules ignore, Walk& out)
        : root_(std::move(root)), shown_(std::move(shown)), ignore_(ignore), out_(out) {}

    void run(const GitFacts& git) {
        git_ = &git;
        if (ignore_ == UseIgnoreRules::kYes) {
            if (!git.global_excludes.empty())
                above_.push_back({IgnoreFile::parse(read_small(git.global_excludes), ""), ""});
            add_rules_from_above(git);
        }
        for (const auto& module : git.submodules)
            out_.not_read.push_back({shown(module), "a git submodule: audit it on its own", false});
        folder("", 0);
    }

private:
    static constexpr int kMaxDepth = 200;

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

    bool is_ignored(const std::string& path, Entry entry) const {
        for (auto file = stack_.rbegin(); file != stack_.rend(); ++file) {
            const auto answer = file->match(path, entry);
            if (answer != Ignored::kUndecided) return answer == Ignored::kYes;
        }
        for (auto above = above_.rbegin(); above != above_.rend(); ++above) {
            const auto answer = above->file.match(above->prefix + path, entry);
            if (answer != Ignored::kUndecided) return answer == Ignored::kYes;
        }
        return false;
    }
    bool tracked_below(const std::string& folder) const {
        const auto at = git_->tracked.lower_bound(folder + "/");
        return at != git_->tracked.end() && at->starts_with(folder + "/");
    }

    void folder(const std::string& relative, int depth) {
        const std::string absolute = relative.empty() ? root_ : root_ + "/" + relative;
        if (depth > kMaxDepth) {
            out_.not_read.push_back({shown(relative), "folders nest deeper than 200", false});
            return;
        }
        DIR* const handle = opendir(absolute.c_str());
        if (handle == nullptr) {
            out_.not_read.push_back({relative.empty() ? absolute : shown(relative),
                                     std::string("cannot open the folder: ") + std::strerror(errno),
                                     relative.empty()});
            return;
        }
        std::vector<std::pair<std::string, unsigned char>> entries;
        while (const dirent* entry = readdir(handle)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") entries.emplace_back(name, entry->d_type);
        }
        closedir(handle);
        std::sort(entries.begin(), entries.end());
        std::size_t added = 0;
        if (ignore_ == UseIgnoreRules::kYes &&
            std::binary_search(entries.begin(), entries.end(),
                               std::pair<std::string, unsigned char>(".gitignore", DT_REG))) {
            auto file = IgnoreFile::parse(read_small(absolute + "/.gitignore"), relative);
            if (!file.empty()) {
                stack_.push_back(std::move(file));
                added = 1;
            }
        }
        for (const auto& [name, type] : entries)
            entry(relative.empty() ? name : relative + "/" + name, name, type, depth);
        stack_.resize(stack_.size() - added, IgnoreFile{});
    }

    void entry(const std::string& path, const std::string& name, unsigned char type, int depth) {
        struct stat facts {};
        const std::string absolute = root_ + "/" + path;
        if (lstat(absolute.c_str(), &facts) != 0) {
            out_.not_read.push_back({shown(path),
                                     std::string("vanished or unreadable: ") + std::strerror(errno),
                                     false});
            return;
        }
        (void)type;
        if (S_ISLNK(facts.st_mode)) {
            link(path, absolute);
            return;
        }
        if (S_ISDIR(facts.st_mode)) {
            if (never_read(name)) return;
            if (std::find(git_->submodules.begin(), git_->submodules.end(), path) !=
                git_->submodules.end())
                return;
            struct stat inner {};
            if (lstat((absolute + "/.git").c_str(), &inner) == 0) {
                out_.not_read.push_back(
                    {shown(path), "another git repository: audit it on its own", false});
                return;
            }
            if (ignored_ == 0 && is_ignored(path, Entry::kFolder)) {
                // A child of an excluded folder cannot be re-included; only what git tracks is
                // read.
                if (!tracked_below(path)) return;
                ++ignored_;
                folder(path, depth + 1);
                --ignored_;
                return;
            }
            folder(path, depth + 1);
            return;
        }
        if (!S_ISREG(facts.st_mode)) return;  // sockets, pipes, devices hold no source
        bool outside = false;
        if (!git_->tracked.contains(path)) {
            outside = ignored_ > 0 || is_ignored(path, Entry::kFile);
            if (outside && !runs_although_ignored(name)) return;
            if (ignored_ > 0) return;
        }
        out_.files.push_back(
            {shown(path), absolute, static_cast<std::uint64_t>(facts.st_size), outside, false});
    }

    void link(const std::string& path, const std::string& absolute) {
        char resolved[PATH_MAX];
        if (realpath(absolute.c_str(), resolved) == nullptr) {
            out_.not_read.push_back(
                {shown(path), errno == ELOOP ? "a link in a loop" : "a broken link", false});
            return;
        }
        const std::string root = real_root();
        const std::string_view target = resolved;
        if (target != root && !(target.starts_with(root) && target.size() > root.size() &&
                                target[root.size()] == '/'))
            out_.not_read.push_back({shown(path), "a link out of the tree", false});
    }

    std::string root_;
    std::string shown_;
    UseIgnoreRules ignore_;
    Walk& out_;
    const GitFacts* git_ = nullptr;
    struct Above {
        IgnoreFile file;
        std::string prefix;  // from the file's folder to the walk's root: "services/chat/"
    };
    std::vector<Above> above_;       // what rules the whole walk, weakest first
    std::vector<IgnoreFile> stack_;  // of the folders inside it
    int ignored_ = 0;
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

}  // namespace

Result<Walk> walk(const std::vector<std::string>& paths, UseIgnoreRules ignore) {
    Walk out;
    bool first = true;
    for (std::string path : paths) {
        while (path.size() > 1 && path.back() == '/')
            path.pop_back();
        struct stat facts {};
        if (stat(path.c_str(), &facts) != 0) return tl::make_unexpected(not_there(path));
        if (S_ISDIR(facts.st_mode)) {
            auto git = ask_git(path);
            if (first) out.root = path;
            Walker(path, paths.size() == 1 || path == "." ? "" : path, ignore, out).run(git);
            if (first) out.git = std::move(git);
        } else {
            if (first) {
                const auto slash = path.find_last_of('/');
                out.root = slash == std::string::npos ? "." : path.substr(0, slash);
                out.git = ask_git(out.root);
            }
            out.files.push_back(
                {path, path, static_cast<std::uint64_t>(facts.st_size), false, true});
        }
        first = false;
    }
    std::sort(out.files.begin(), out.files.end(),
              [](const WalkedFile& a, const WalkedFile& b) { return a.path < b.path; });
    out.files.erase(
        std::unique(out.files.begin(), out.files.end(),
                    [](const WalkedFile& a, const WalkedFile& b) { return a.path == b.path; }),
        out.files.end());
    return out;
}

}  // namespace segue::audit
