/// Which file of the tree a module's name means.
///
/// Thread: one at a time while files are added; resolve() any. Plain index, copied where a guess
/// over more files is wanted.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "audit/read/form.hpp"

namespace segue::audit {

/// "app/llm" of app/llm.ts, app/llm/index.ts and App/LLM/__init__.py: how modules are looked up.
std::string module_stem(std::string_view path);

class Modules {
public:
    /// `stem` from module_stem(); a later file of the same stem takes its place.
    void add(const std::string& stem, std::size_t file);
    bool has(const std::string& stem) const { return stems_.contains(stem); }
    /// False: resolve() finds none, whoever imports it. Cheap: asked of every text in quotes.
    bool may_mean(std::string_view module) const;
    /// The file that `module`, as written, means in the file at the path `importer`.
    std::optional<std::size_t> resolve(std::string_view module, std::string_view importer,
                                       Language language) const;

private:
    std::map<std::string, std::size_t, std::less<>> stems_;
    std::map<std::string, std::set<std::string>, std::less<>> by_name_;  // stems by their last part
};

}  // namespace segue::audit
