#include "audit/paths.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::audit {
namespace {

std::string backwards(std::string_view text) {
    return {text.rbegin(), text.rend()};
}

/// The first entry that begins with `start`, or the end.
auto find_start(const std::vector<std::string>& sorted, const std::string& start) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), start);
    return at != sorted.end() && at->starts_with(start) ? at : sorted.end();
}

bool has_ending(const std::vector<std::string>& sorted, std::string_view end) {
    return find_start(sorted, backwards("/" + std::string(end))) != sorted.end();
}

}  // namespace

std::string path_stem(std::string_view path) {
    std::string lower = to_lower(path);
    const auto dot = lower.rfind('.');
    const auto slash = lower.rfind('/');
    if (dot != std::string::npos && (slash == std::string::npos || dot > slash)) lower.resize(dot);
    return lower;
}

void Paths::add(std::string_view path) {
    const std::string stem = path_stem(path);
    files_.push_back(backwards(stem));
    // Neighbours of a walk lie in the same folder: it is taken once.
    std::string folder = stem.substr(0, std::min(stem.rfind('/'), stem.size()));
    if (folder.size() == stem.size() || folder == last_folder_) return;
    last_folder_ = folder;
    while (!folder.empty()) {
        folders_.push_back(backwards(folder));
        const auto slash = folder.rfind('/');
        folder.resize(slash == std::string::npos ? 0 : slash);
    }
}

void Paths::seal() {
    for (auto* list : {&files_, &folders_}) {
        std::sort(list->begin(), list->end());
        list->erase(std::unique(list->begin(), list->end()), list->end());
    }
}

bool Paths::has_file(std::string_view path) const {
    return std::binary_search(files_.begin(), files_.end(), backwards(path));
}

bool Paths::has_file_ending(std::string_view end) const {
    return has_ending(files_, end);
}

bool Paths::has_folder(std::string_view path_or_name) const {
    if (std::binary_search(folders_.begin(), folders_.end(), backwards(path_or_name))) return true;
    return path_or_name.find('/') == std::string_view::npos && has_ending(folders_, path_or_name);
}

bool Paths::has_folder_ending(std::string_view end) const {
    return has_ending(folders_, end);
}

}  // namespace segue::audit
