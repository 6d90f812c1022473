/// The schema, as numbered files of SQL that only go forward. `src/store/migrations/NNNN_name.sql`
/// is embedded into the program at build time; each module owns a hundred numbers:
///
///     0000 what all share     0100 people     0200 observations, keys     0300 documents
///     0400 conversations      0500 rollouts   0600 evidence
///
/// A file runs once, in one transaction, with the schema at the front of the search path: write
/// plain names. Never change a file that was released; write the next number.
///
/// Thread: any; two processes at once wait for each other (an advisory lock).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/connection.hpp"

namespace segue::store {

struct Migration {
    int number = 0;
    std::string_view name;  // "documents"
    std::string_view sql;
    std::string checksum() const;
};

/// Those of this program, in order.
std::span<const Migration> all_migrations();

struct AppliedMigration {
    int number = 0;
    std::string name;
    std::string checksum;
    WallTime when{};
    std::string version;  // of the program that did it
};

class Migrator {
public:
    /// `connection` must be able to create what is missing; `schema` is made when it is.
    Migrator(Connection& connection, std::string schema,
             std::span<const Migration> migrations = all_migrations())
        : connection_(connection), schema_(std::move(schema)), migrations_(migrations) {}

    /// Everything that is missing; the numbers that were applied. An error leaves the last whole
    /// migration, and says what to do: no pgvector, too old a server, no right, a newer program's
    /// database, a changed file.
    Result<std::vector<int>> run();
    Result<std::vector<AppliedMigration>> applied();
    /// Missing here; an error when the database is not one that this program may use.
    Result<std::vector<int>> pending();

private:
    Result<void> prepare_schema();
    Result<void> prepare_extension();
    Result<void> apply(const Migration& migration);

    Connection& connection_;
    std::string schema_;
    std::span<const Migration> migrations_;
};

}  // namespace segue::store
