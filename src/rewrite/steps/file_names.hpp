/// final: the files that are called after Ollama. A file whose new name is taken stays, and then
/// whoever imports it or names its path keeps saying so. Made once a stage, before anything is
/// renamed; points into the workspace.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite/core/workspace.hpp"
#include "rewrite/steps/name_map.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {

class FileNames {
public:
    FileNames(const Workspace& workspace, const Context& context, const NameMap& names);

    /// The renames, and what a person has to decide.
    Groups groups() const { return groups_; }

    enum class Fate : bool { kMoves, kStays };
    /// What becomes of the file, folder or module that the text names at `id`: in an import, a path
    /// or a dotted name in quotes, a link. None when it is no file of the tree that holds the word.
    std::optional<Fate> fate(const File& file, std::string_view text, audit::Range id) const;

private:
    std::string renamed(std::string_view path, const Context& context, const NameMap& names) const;

    Groups groups_;
    // "app/llm/ollama" of app/llm/ollama.py; folders, too. In the order of the paths.
    std::map<std::string, Fate, std::less<>> places_;
};

}  // namespace segue::rewrite
