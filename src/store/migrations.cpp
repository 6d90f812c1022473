#include "store/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace segue::store {
namespace {

constexpr int kOldestServer = 140000;
// Two processes that start at once: the second waits while the first builds an index or two.
constexpr std::chrono::milliseconds kPatience{600'000};

std::string identifier(std::string_view name) {
    return "\"" + replace_all(name, "\"", "\"\"") + "\"";
}

}  // namespace

std::string Migration::checksum() const {
    return sha256_hex(sql);
}

Result<void> Migrator::prepare_schema() {
    if (connection_.server_version() < kOldestServer)
        return fail(Fault::kInvalid,
                    fmt::format("the database is PostgreSQL {}; Segue needs 14 or newer: move it "
                                "with pg_dump and pg_restore, or name another one in DATABASE_URL",
                                connection_.server_version() / 10000),
                    "store");
    SEGUE_TRY(there, connection_.one<std::int64_t>("SELECT 1 FROM pg_namespace WHERE nspname = $1",
                                                   schema_));
    if (!there) {
        auto made =
            connection_.script(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", identifier(schema_)));
        if (!made && connection_.sqlstate() == "42501")
            return fail(Fault::kInvalid,
                        fmt::format("the database's user may not make the schema '{0}'; let its "
                                    "administrator run: CREATE SCHEMA {1} AUTHORIZATION "
                                    "\"USER OF DATABASE_URL\";",
                                    schema_, identifier(schema_)),
                        "store");
        if (!made) return tl::make_unexpected(std::move(made).error());
    }
    SEGUE_TRY(table,
              connection_.script(fmt::format(
                  "CREATE TABLE IF NOT EXISTS {}.migration (number int PRIMARY KEY, name text "
                  "NOT NULL, checksum text NOT NULL, applied timestamptz NOT NULL DEFAULT "
                  "now(), version text NOT NULL)",
                  identifier(schema_))));
    (void)table;
    return {};
}

Result<void> Migrator::prepare_extension() {
    using Installed = std::optional<std::string>;
    SEGUE_TRY(found, (connection_.one<Installed, Installed>(
                         "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'), "
                         "(SELECT default_version FROM pg_available_extensions WHERE name = "
                         "'vector')")));
    const auto& [installed, available] = *found;
    if (installed) return {};
    if (!available)
        return fail(Fault::kInvalid,
                    fmt::format("this PostgreSQL has no pgvector; install the package "
                                "postgresql-{}-pgvector on the machine of the database and run: "
                                "CREATE EXTENSION vector; (or leave DATABASE_URL and SEGUE_PG_BIN "
                                "out: 'make deps' brings a PostgreSQL with it)",
                                connection_.server_version() / 10000),
                    "store");
    auto made = connection_.script("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public");
    if (made) return {};
    if (connection_.sqlstate() == "42501")
        return fail(Fault::kInvalid,
                    "the database's user may not install pgvector; let an administrator of the "
                    "database run in it: CREATE EXTENSION vector;",
                    "store");
    return tl::make_unexpected(std::move(made).error());
}

Result<std::vector<AppliedMigration>> Migrator::applied() {
    SEGUE_TRY(
        table,
        connection_.one<std::int64_t>(
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'migration'", schema_));
    std::vector<AppliedMigration> out;
    if (!table) return out;
    SEGUE_TRY(rows,
              (connection_.query<std::int32_t, std::string, std::string, WallTime, std::string>(
                  fmt::format("SELECT number, name, checksum, applied, version FROM "
                              "{}.migration ORDER BY number",
                              identifier(schema_)))));
    for (auto& [number, name, checksum, when, version] : rows)
        out.push_back({number, std::move(name), std::move(checksum), when, std::move(version)});
    return out;
}

Result<std::vector<int>> Migrator::pending() {
    SEGUE_TRY(done, applied());
    std::vector<int> missing;
    for (const auto& one : done) {
        const auto known = std::find_if(migrations_.begin(), migrations_.end(),
                                        [&](const Migration& m) { return m.number == one.number; });
        if (known == migrations_.end())
            return fail(
                Fault::kConflict,
                fmt::format("the database was changed by a newer Segue ({}, migration {:04} "
                            "{}); start that version, or restore an older backup",
                            one.version, one.number, one.name),
                "store");
        if (known->checksum() != one.checksum)
            return fail(Fault::kConflict,
                        fmt::format("migration {:04} ({}) is not the one that made this database "
                                    "(Segue {} did, on {}); start the version that did, or restore "
                                    "a backup: nothing was changed",
                                    one.number, one.name, one.version, rfc3339(one.when)),
                        "store");
    }
    for (const auto& migration : migrations_)
        if (std::none_of(done.begin(), done.end(),
                         [&](const auto& one) { return one.number == migration.number; }))
            missing.push_back(migration.number);
    return missing;
}

Result<void> Migrator::apply(const Migration& migration) {
    const auto step = [&]() -> Result<void> {
        SEGUE_TRY(begun, connection_.execute("BEGIN"));
        (void)begun;
        SEGUE_TRY(path, connection_.script(fmt::format("SET LOCAL search_path = {}, public",
                                                       identifier(schema_))));
        (void)path;
        SEGUE_TRY(ran, connection_.script(migration.sql));
        (void)ran;
        SEGUE_TRY(
            noted,
            connection_.execute(
                fmt::format("INSERT INTO {}.migration (number, name, checksum, version) VALUES "
                            "($1, $2, $3, $4)",
                            identifier(schema_)),
                migration.number, migration.name, migration.checksum(), SEGUE_VERSION));
        (void)noted;
        SEGUE_TRY(committed, connection_.execute("COMMIT"));
        (void)committed;
        return {};
    };
    auto outcome = step();
    if (outcome) return outcome;
    if (!connection_.broken()) (void)connection_.script("ROLLBACK");
    Error error = std::move(outcome).error();
    error.detail = fmt::format("migration {:04} ({}) was not applied: {}", migration.number,
                               migration.name, error.detail);
    return tl::make_unexpected(std::move(error));
}

Result<std::vector<int>> Migrator::run() {
    const auto key = static_cast<std::int64_t>(hash64("segue migrations " + schema_));
    SEGUE_TRY_VOID(connection_.allow(kPatience));
    SEGUE_TRY(locked, connection_.execute("SELECT pg_advisory_lock($1)", key));
    (void)locked;
    const auto work = [&]() -> Result<std::vector<int>> {
        SEGUE_TRY_VOID(prepare_schema());
        SEGUE_TRY(missing, pending());
        if (!missing.empty()) SEGUE_TRY_VOID(prepare_extension());
        for (const int number : missing) {
            const auto migration =
                std::find_if(migrations_.begin(), migrations_.end(),
                             [&](const Migration& m) { return m.number == number; });
            SEGUE_TRY_VOID(apply(*migration));
        }
        return missing;
    };
    auto outcome = work();
    if (!connection_.broken()) {
        (void)connection_.execute("SELECT pg_advisory_unlock($1)", key);
        (void)connection_.script("RESET statement_timeout");
    }
    return outcome;
}

}  // namespace segue::store
