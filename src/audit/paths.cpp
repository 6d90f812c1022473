#include "audit/paths.hpp"

#include <algorithm>
#include <functional>

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

namespace {

std::size_t hash_of_name(std::string_view path) {
    return std::hash<std::string_view>()(base_name(path));
}

std::string_view folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

}  // namespace

void Paths::Set::reserve(std::size_t paths, std::size_t bytes) {
    entries_.reserve(paths);
    text_.reserve(bytes);
}

void Paths::Set::add(std::string_view path) {
    entries_.push_back({hash_of_name(path), text_.size(), path.size()});
    text_ += path;
}

void Paths::Set::sort() {
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
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
    const auto name = hash_of_name(path);
    auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                               [](const Entry& a, std::size_t b) { return a.name < b; });
    for (; at != entries_.end() && at->name == name; ++at)
        if (is(std::string_view(text_).substr(at->begin, at->size))) return true;
    return false;
}

Paths::Paths(std::span<const std::string> paths) {
    std::size_t bytes = 0;
    for (const auto& path : paths)
        bytes += path.size();
    files_.reserve(paths.size(), bytes);
    std::string before;  // the folder of the last path
    for (const auto& path : paths) {
        const auto stem = path_stem(path);
        files_.add(stem);
        const auto met = [&](std::string_view folder) {
            return before.starts_with(folder) &&
                   (before.size() == folder.size() || before[folder.size()] == '/');
        };
        // Those above one that was met were met with it.
        for (auto folder = folder_of(stem); !folder.empty() && !met(folder);
             folder = folder_of(folder))
            folders_.add(folder);
        before = folder_of(stem);
    }
    files_.sort();
    folders_.sort();
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
