/// Files that share clients change together or not at all. Collects their attempts, then says which
/// groups happen.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rewrite/core/attempt.hpp"

namespace segue::rewrite {

class Shared {
public:
    explicit Shared(std::string what) : what_(std::move(what)) {}

    /// `module` is the file's own name among `foreign`, the modules whose clients it uses.
    void add(const File& file, std::string module, const std::set<std::string>& foreign,
             Attempt& attempt);
    std::vector<Group> groups();

private:
    struct Done {
        const File* file;
        std::string module;
        std::set<std::string> foreign;
        Group group;
        std::string why;
        std::size_t where;
    };
    std::string what_;
    std::set<std::string> used_;
    std::vector<Done> done_;
};

}  // namespace segue::rewrite
