/// Every path of the tree, to tell a module of the project from a package: asked by whole path and
/// by ending. Paths are compared in lower case, files without their extension. Filled, sealed, then
/// read by any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace segue::audit {

class Paths {
public:
    void add(std::string_view path);
    /// Once, after the last add() and before the first question.
    void seal();

    bool has_file(std::string_view path) const;
    /// "app/llm/client" ends with "llm/client", at a whole part.
    bool has_file_ending(std::string_view end) const;
    /// By its whole path or by its name.
    bool has_folder(std::string_view path_or_name) const;
    bool has_folder_ending(std::string_view end) const;

private:
    // Backwards, sorted: what has the same ending stands together.
    std::vector<std::string> files_;
    std::vector<std::string> folders_;
    std::string last_folder_;
};

/// "Src/App.vue" → "src/app".
std::string path_stem(std::string_view path);

}  // namespace segue::audit
