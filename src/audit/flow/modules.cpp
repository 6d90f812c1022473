#include "audit/flow/modules.hpp"

#include <algorithm>

#include "audit/paths.hpp"
#include "base/text.hpp"

namespace segue::audit {

std::string module_stem(std::string_view path) {
    auto stem = path_stem(path);
    for (const std::string_view index : {"/__init__", "/index"})
        if (stem.ends_with(index)) stem.resize(stem.size() - index.size());
    return stem;
}

void Modules::add(const std::string& stem, std::size_t file) {
    const auto slash = stem.rfind('/');
    by_name_[stem.substr(slash == std::string::npos ? 0 : slash + 1)].insert(stem);
    stems_[stem] = file;
}

namespace {

void drop_extensions(std::string& path) {
    for (const std::string_view extension : {".js", ".ts", ".mjs", ".jsx", ".tsx", ".vue"})
        if (path.ends_with(extension)) path.resize(path.size() - extension.size());
}

}  // namespace

bool Modules::may_mean(std::string_view module) const {
    // "./", "..", ".": a folder, whose name stands elsewhere.
    if (module.find_first_not_of("./") == std::string_view::npos) return true;
    std::string name = to_lower(module.substr(module.find_last_of("/") + 1));
    if (name.empty() || by_name_.contains(name)) return true;
    if (by_name_.contains(name.substr(name.rfind('.') + 1))) return true;  // Python's dots
    drop_extensions(name);
    return by_name_.contains(name);
}

std::optional<std::size_t> Modules::resolve(std::string_view module, std::string_view importer,
                                            Language language) const {
    const std::string from = to_lower(importer);
    std::string folder = from.substr(0, from.rfind('/') == std::string::npos ? 0 : from.rfind('/'));
    std::string path = to_lower(module);
    const auto up = [&] {
        folder.resize(folder.rfind('/') == std::string::npos ? 0 : folder.rfind('/'));
    };
    bool relative = false;
    if (language == Language::kPython) {
        std::size_t dots = 0;
        while (dots < path.size() && path[dots] == '.')
            ++dots;
        relative = dots > 0;
        for (std::size_t i = 1; i < dots; ++i)
            up();
        path.erase(0, dots);
        std::replace(path.begin(), path.end(), '.', '/');
    } else {
        while (path.starts_with("./") || path.starts_with("../")) {
            relative = true;
            if (path.starts_with("../")) up();
            path.erase(0, path.find('/') + 1);
        }
        for (const std::string_view alias : {"@/", "~/", "~~/", "src/", "$lib/", "#/"})
            if (path.starts_with(alias)) path.erase(0, alias.size());
        drop_extensions(path);
    }
    if (relative) {
        const std::string whole = path.empty()     ? folder
                                  : folder.empty() ? path
                                                   : folder + "/" + path;
        const auto found = stems_.find(whole);
        return found == stems_.end() ? std::nullopt : std::optional(found->second);
    }
    if (path.empty()) return std::nullopt;
    if (const auto exact = stems_.find(path); exact != stems_.end()) return exact->second;
    if (!folder.empty())
        if (const auto sibling = stems_.find(folder + "/" + path); sibling != stems_.end())
            return sibling->second;
    const auto slash = path.rfind('/');
    const auto named = by_name_.find(path.substr(slash == std::string::npos ? 0 : slash + 1));
    if (named == by_name_.end()) return std::nullopt;
    const std::string end = "/" + path;
    for (const auto& stem : named->second)
        if (stem.ends_with(end)) return stems_.find(stem)->second;
    return std::nullopt;
}

}  // namespace segue::audit
