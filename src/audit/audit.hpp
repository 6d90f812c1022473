/// The audit as one call: walk, scan, read, follow, judge. Blocking; uses as many threads as asked
/// for, and leaves none behind. Everything in the report is a value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "audit/finding.hpp"
#include "audit/model.hpp"
#include "audit/walk/walker.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace segue::audit {

struct Options {
    std::vector<std::string> paths{"."};
    UseIgnoreRules ignore = UseIgnoreRules::kYes;
    std::set<int> only;        // kinds to report; empty = all
    std::set<int> disabled;    // rules that are switched off (tests of the rules)
    std::string since;         // a revision: findings on lines that were there before are known
    bool everything = false;   // with since: judge the other files, too
    std::string baseline;      // a file: findings in it are known
    unsigned threads = 0;      // 0 = one a core
    bool identify = false;     // hash the tree, and ask git whether it is changed
    bool look_alikes = false;  // names that only hold the letters, too (SEG156)
    WallTime today{};
};

struct Suppression {
    std::string place;  // "segue-audit.yaml" or path:line
    std::string reason;
    std::string owner;
    std::string until;
    std::size_t used = 0;
};

/// What segue-audit.yaml says of the proof.
struct ProofPolicy {
    std::vector<std::string> required;  // parts that must be clean
    std::vector<int> ports;             // that were Ollama's
    std::vector<std::string> names;     // host names that were Ollama's
};

struct Stats {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t matched = 0;  // the byte scan found something
    std::uint64_t parsed = 0;   // a grammar read it
    std::uint64_t parsed_bytes = 0;
    double seconds = 0;
};

struct Report {
    std::string root;
    std::string commit;  // empty without git
    bool dirty = false;
    bool git = false;
    std::string tree_sha256;        // see tree_hash.hpp; empty unless Options asks for it
    std::vector<Finding> findings;  // by path and line
    std::vector<NotRead> not_read;
    std::vector<Suppression> suppressions;
    ProofPolicy proof;
    Stats stats;

    std::size_t count(Level level) const;  // open ones
    /// Something that was named on the command line could not be read.
    bool named_unread() const;
};

Result<Report> audit(const Options& options);

/// The same over texts in memory: path and content. For tests and for checking an edit.
Report audit_texts(const std::vector<std::pair<std::string, std::string>>& files,
                   const Options& options);
/// With a folder's policy; `learned` takes what the repository said of itself (`segue rewrite` must
/// know own names and services exactly as the findings do).
struct Policy;
Report audit_texts(const std::vector<std::pair<std::string, std::string>>& files,
                   const Options& options, const Policy& policy, Model* learned);
/// segue-audit.yaml of a folder; an empty policy when there is none.
Result<Policy> read_policy(const std::string& folder);
/// What `segue rewrite` leaves in a tree for its undo; no part of the project.
bool is_rewrite_record(std::string_view path);

}  // namespace segue::audit
