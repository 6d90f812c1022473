/// Follows values: what a client, an address or a model's name is bound to, within a file and over
/// the imports of the repository. Adds tokens of type kFlow to the files. Uses the grammars; a file
/// that no grammar understands keeps what the line reader found.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/finding.hpp"
#include "audit/model.hpp"

namespace segue::audit {

struct Flow {
    std::uint64_t parsed = 0;
    std::uint64_t bytes = 0;
    std::vector<Finding> failed;  // SEG161: parts that a grammar did not understand
};

/// A code file that was not read yet, and holds the name of a module where it brings modules in.
struct Importer {
    std::size_t file = 0;  // the number that the reader gave it
    std::string path;
    Language language = Language::kOther;
    std::optional<std::vector<std::string>> modules;  // see imported_modules()
};

/// Who reads more of the tree. In two steps: of all that hold a name few mean the module, and the
/// texts of the others need not be kept.
struct ReadMore {
    std::function<std::vector<Importer>(const std::vector<std::string>& modules)> find;
    std::function<std::vector<ParsedFile>(const std::vector<Importer>& chosen)> read;
};

Flow follow(std::vector<ParsedFile>& files, const Model& model, unsigned threads,
            const ReadMore& more);

}  // namespace segue::audit
