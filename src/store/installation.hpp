/// Where PostgreSQL's programs are: SEGUE_PG_BIN, what the set-up installed beside Segue, the
/// system's.
///
/// Thread: any.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "store/process.hpp"

namespace segue::store {

struct Installation {
    std::string bin;      // folder of postgres and initdb
    std::string version;  // "16.14"
    int major = 0;
    bool has_vector = false;  // pgvector lies beside it
};

/// The first one that `user` can run: the one named, or nothing else; else what the set-up
/// installed, else the system's newest, those with pgvector first. `major`: of the data that is
/// there already. The error tells what was looked at.
Result<Installation> find_installation(const std::string& named, std::optional<int> major,
                                       const std::optional<User>& user);

}  // namespace segue::store
