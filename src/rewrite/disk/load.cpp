#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "audit/audit.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/walk/git.hpp"
#include "audit/walk/walker.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "rewrite/disk/tree.hpp"

namespace segue::rewrite {
namespace {

// Larger files are data or bundles; the audit names them.
constexpr std::uint64_t kMaxFile = 2U << 20;

std::string real(const std::string& path) {
    char resolved[PATH_MAX];
    return realpath(path.c_str(), resolved) == nullptr ? path : resolved;
}

void own_name(std::string_view name, audit::Policy& policy) {
    if (audit::has_word(name) && audit::normalised(name) != "ollama" && name.size() > 6)
        policy.own_names.emplace_back(name);
}

}  // namespace

Result<LoadedTree> load_tree(const std::string& path) {
    SEGUE_TRY(walked, audit::walk({path}, audit::UseIgnoreRules::kYes));
    LoadedTree tree;
    tree.root = real(walked.root);
    tree.not_read = walked.not_read;
    SEGUE_TRY(policy, audit::read_policy(tree.root));
    tree.policy = std::move(policy);
    if (walked.git.there) {
        const auto top = real(walked.git.top);
        if (tree.root.size() > top.size() && tree.root.starts_with(top + "/"))
            tree.prefix = tree.root.substr(top.size() + 1) + "/";
        if (const auto folder =
                audit::output_of({"git", "-C", tree.root, "rev-parse", "--absolute-git-dir"}))
            tree.git_folder = std::string(trim(*folder));
        tree.dirty = audit::git_dirty(tree.root);
        auto remote = std::string_view(walked.git.remote);
        if (remote.ends_with(".git")) remote.remove_suffix(4);
        own_name(remote.substr(remote.find_last_of("/:") + 1), tree.policy);
    }
    own_name(std::string_view(tree.root).substr(tree.root.rfind('/') + 1), tree.policy);
    for (const auto& file : walked.files) {
        if (file.size > kMaxFile || audit::is_rewrite_record(file.path)) continue;
        const auto name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
        auto bytes = read_file(file.absolute);
        if (!bytes) {
            tree.not_read.push_back({file.path, bytes.error().detail, file.named});
            continue;
        }
        // A binary file can only be renamed: a logo, a screenshot.
        if (audit::looks_binary(std::string_view(*bytes).substr(0, 8192)) &&
            !audit::has_word(file.path))
            continue;
        if (bytes->starts_with("version https://git-lfs.github.com/spec/")) continue;
        struct stat facts {};
        std::uint32_t mode = 0100644;
        if (::stat(file.absolute.c_str(), &facts) == 0) mode = facts.st_mode;
        auto shown = file.named ? std::string(name) : file.path;
        tree.files.push_back({std::move(shown), std::move(*bytes), mode, file.outside_git});
    }
    return tree;
}

}  // namespace segue::rewrite
