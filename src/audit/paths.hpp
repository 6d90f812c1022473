/// Every path of the tree, to tell a module of the project from a package: asked by whole path and
/// by ending. Paths are compared in lower case, files without their extension. Made at once, then
/// read by any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace segue::audit {

class Paths {
public:
    Paths() = default;
    /// Best sorted: the folders of neighbours are then met once.
    explicit Paths(std::span<const std::string> paths);

    bool has_file(std::string_view path) const;
    /// "app/llm/client" ends with "llm/client", at a whole part.
    bool has_file_ending(std::string_view end) const;
    /// By its whole path or by its name.
    bool has_folder(std::string_view path_or_name) const;
    bool has_folder_ending(std::string_view end) const;

private:
    /// By the last part: few paths have the same. Trees have 100,000 paths and few are asked for,
    /// so they lie in one text, and are found by the hash of that part.
    class Set {
    public:
        void reserve(std::size_t paths, std::size_t bytes);
        void add(std::string_view path);
        void sort();  // after the last add(), before the first question
        bool has(std::string_view path) const;
        bool has_ending(std::string_view end) const;

    private:
        template <class Is>
        bool any(std::string_view path, const Is& is) const;

        struct Entry {
            std::size_t name = 0;  // hash of the last part
            std::size_t begin = 0;
            std::size_t size = 0;
        };
        std::string text_;
        std::vector<Entry> entries_;
    };
    Set files_;
    Set folders_;
};

/// "src/App.vue" → "App.vue".
std::string_view base_name(std::string_view path);
/// "Src/App.vue" → "src/app".
std::string path_stem(std::string_view path);

}  // namespace segue::audit
