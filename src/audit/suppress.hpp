/// What people allowed: comments in the code and segue-audit.yaml. Applied after judging.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit.hpp"

namespace segue::audit {

constexpr std::string_view kPolicyFile = "segue-audit.yaml";

/// segue-audit.yaml of the audited folder.
struct Policy {
    struct Allow {
        std::vector<std::string> rules;
        std::vector<std::string> paths;  // globs
        std::string contains;
        std::string reason;
        std::string owner;
        std::string until;  // YYYY-MM-DD
    };
    std::vector<Allow> allow;
    std::vector<std::string> own_names;
    std::vector<std::string> gateway;
    std::vector<std::string> data_names;
    std::vector<std::string> history;  // globs of treat_as
    std::vector<std::string> generated;
    std::vector<std::string> vendored;
    std::map<std::string, std::string, std::less<>> models;  // which id stands for a tag
    ProofPolicy proof;
};

/// An empty text is an empty policy; a mistake is an error with line and column.
Result<Policy> parse_policy(std::string_view text, const std::string& name);

/// Marks what is allowed, and adds SEG170-172 for suppressions that are incomplete, expired or
/// unused.
void suppress(const std::vector<ParsedFile>& files, const Policy& policy, const Options& options,
              Report& report);

}  // namespace segue::audit
