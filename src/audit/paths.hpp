/// Every path of the tree, to tell a module of the project from a package: asked by whole path and
/// by ending. Paths are compared in lower case, files without their extension. Filled, then
/// read by any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace segue::audit {

class Paths {
public:
    void add(std::string_view path);

    bool has_file(std::string_view path) const;
    /// "app/llm/client" ends with "llm/client", at a whole part.
    bool has_file_ending(std::string_view end) const;
    /// By its whole path or by its name.
    bool has_folder(std::string_view path_or_name) const;
    bool has_folder_ending(std::string_view end) const;

private:
    /// By the last part: few paths have the same.
    class Set {
    public:
        void add(std::string path);
        bool has(std::string_view path) const;
        bool has_ending(std::string_view end) const;

    private:
        template <class Is>
        bool any(std::string_view path, const Is& is) const;

        struct Hash {
            using is_transparent = void;
            std::size_t operator()(std::string_view name) const {
                return std::hash<std::string_view>()(name);
            }
        };
        std::unordered_map<std::string, std::vector<std::string>, Hash, std::equal_to<>> by_name_;
    };
    Set files_;
    Set folders_;
    std::unordered_set<std::string> met_;  // folders
};

/// "src/App.vue" → "App.vue".
std::string_view base_name(std::string_view path);
/// "Src/App.vue" → "src/app".
std::string path_stem(std::string_view path);

}  // namespace segue::audit
