/// Follows values: what a client, an address or a model's name is bound to, within a file and over
/// the imports of the repository. Adds tokens of type kFlow to the files. Uses the grammars; a file
/// that no grammar understands keeps what the line reader found.
#pragma once

#include <cstdint>
#include <functional>
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

/// Reads code files that hold one of the words (names of modules) and were not read yet; uncut.
using ReadMore = std::function<std::vector<ParsedFile>(const std::vector<std::string>& words)>;

Flow follow(std::vector<ParsedFile>& files, const Model& model, unsigned threads,
            const ReadMore& more);

}  // namespace segue::audit
