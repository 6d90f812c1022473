#include "store/check.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "store/migrations.hpp"

namespace segue::store {

Result<std::vector<CheckResult>> check(Pool& pool, const std::string& schema) {
    std::vector<CheckResult> out;
    SEGUE_TRY(server, (pool.one<std::string, std::string, bool>(
                          "SELECT current_setting('server_version'), pg_size_pretty("
                          "pg_database_size(current_database())), pg_is_in_recovery()")));
    const auto& [version, size, standby] = *server;
    out.push_back({"server", fmt::format("PostgreSQL {}, {}", version, size),
                   standby ? "it is a standby, nothing can be written; name the primary" : ""});

    SEGUE_TRY(vector, pool.one<std::string>(
                          "SELECT extversion FROM pg_extension WHERE extname = 'vector'"));
    out.push_back({"pgvector", vector ? std::get<0>(*vector) : "",
                   vector ? "" : "it is not there; run in the database: CREATE EXTENSION vector;"});

    SEGUE_TRY(missing, pool.read([&](Connection& connection) {
        return Migrator(connection, schema).pending();
    }));
    out.push_back(
        {"schema",
         fmt::format("{:04}, all {} migrations applied, checksums right",
                     all_migrations().back().number, all_migrations().size()),
         missing.empty()
             ? ""
             : fmt::format("{} migrations are missing; run segue store migrate", missing.size())});

    // An index whose building was cut short answers nothing and costs every write.
    SEGUE_TRY(invalid,
              pool.query<std::string>(
                  "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                  "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND NOT "
                  "(i.indisvalid AND i.indisready) ORDER BY 1",
                  schema));
    std::vector<std::string> names;
    for (const auto& [name] : invalid)
        names.push_back(name);
    SEGUE_TRY(count, pool.one<std::int64_t>("SELECT count(*) FROM pg_indexes WHERE schemaname = $1",
                                            schema));
    out.push_back({"indexes", fmt::format("{}, all valid", std::get<0>(*count)),
                   names.empty() ? ""
                                 : fmt::format("not valid: {}; run REINDEX INDEX for each",
                                               join(names, ", "))});

    SEGUE_TRY(writable, pool.transaction([](Connection& connection) -> Result<std::uint64_t> {
        return connection.execute(
            "INSERT INTO setting (name, value) VALUES ('checked', "
            "to_jsonb(now())) ON CONFLICT (name) DO UPDATE SET value = "
            "excluded.value, changed = now()");
    }));
    out.push_back({"writing", fmt::format("{} row written", writable), ""});
    return out;
}

}  // namespace segue::store
