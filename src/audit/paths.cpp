#include "audit/paths.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace segue::audit {
std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string path_stem(std::string_view path) {
    std::string lower = to_lower(path);
    const auto dot = lower.rfind('.');
    const auto slash = lower.rfind('/');
    if (dot != std::string::npos && (slash == std::string::npos || dot > slash)) lower.resize(dot);
    return lower;
}

void Paths::Set::add(std::string path) {
    std::string name(base_name(path));
    by_name_[std::move(name)].push_back(std::move(path));
}

bool Paths::Set::has(std::string_view path) const {
    return any(path, [&](std::string_view known) { return known == path; });
}

bool Paths::Set::has_ending(std::string_view end) const {
    return any(end, [&](std::string_view known) {
        return known.size() > end.size() && known.ends_with(end) &&
               known[known.size() - end.size() - 1] == '/';
    });
}

template <class Is>
bool Paths::Set::any(std::string_view path, const Is& is) const {
    const auto named = by_name_.find(base_name(path));
    return named != by_name_.end() && std::any_of(named->second.begin(), named->second.end(), is);
}

void Paths::add(std::string_view path) {
    std::string stem = path_stem(path);
    // Up to the first that was met before: those above it were met with it.
    for (auto slash = stem.rfind('/'); slash != std::string::npos && slash > 0;) {
        std::string folder = stem.substr(0, slash);
        slash = folder.rfind('/');
        if (!met_.insert(folder).second) break;
        folders_.add(std::move(folder));
    }
    files_.add(std::move(stem));
}

bool Paths::has_file(std::string_view path) const {
    return files_.has(path);
}

bool Paths::has_file_ending(std::string_view end) const {
    return files_.has_ending(end);
}

bool Paths::has_folder(std::string_view path_or_name) const {
    return folders_.has(path_or_name) ||
           (path_or_name.find('/') == std::string_view::npos && folders_.has_ending(path_or_name));
}

bool Paths::has_folder_ending(std::string_view end) const {
    return folders_.has_ending(end);
}

}  // namespace segue::audit
