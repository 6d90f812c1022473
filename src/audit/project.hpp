/// All that was read of one tree, and what it says as a whole: filled file by file, taught, then
/// judged. One thread drives it; it spreads the work itself. Lives for one audit.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/audit.hpp"
#include "audit/flow/flow.hpp"
#include "audit/model.hpp"
#include "audit/read/imports.hpp"
#include "audit/scan.hpp"
#include "audit/suppress.hpp"

namespace segue::audit {

/// What the paths of a tree say, of files that were read or not: modules, and routes that are
/// files.
struct TreeFacts {
    Paths paths;
    std::set<std::string, std::less<>> routes;
};
TreeFacts facts_of(const std::vector<std::string>& paths);

class Project {
public:
    Project(const Options& options, const Policy& policy, Report& report)
        : options_(options), policy_(policy), report_(report) {}

    /// Before finish(), which needs them.
    void set_tree(TreeFacts facts);
    /// Keeps what was read, and counts it. Not thread-safe; answers whether anything was kept.
    bool take(Scanned&& scanned);
    /// Threads finish in any order; what follows must not.
    void sort_files();
    /// Own names, services, environment names, routes; `walked` is where the tree lies.
    void learn(const Walk* walked);
    /// Names that the tree gave to Ollama's address, service or model, in lower case.
    std::vector<std::string> learned_words() const;
    /// Follows values, judges every file, applies what is allowed. Only files of `only`, if given,
    /// get findings; the others are what these are read with.
    void finish(const ReadMore& read_more, const std::set<std::string>* only = nullptr);

    std::vector<ParsedFile>& files() { return files_; }
    Model& model() { return model_; }

private:
    void add_own(std::string_view name);
    void narrow(const std::set<std::string>& only);

    const Options& options_;
    const Policy& policy_;
    Report& report_;
    std::vector<ParsedFile> files_;
    Model model_;
};

}  // namespace segue::audit
