#include "rag/eval/scratch.hpp"

#include <algorithm>
#include <iterator>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/migrations.hpp"

namespace segue::rag::eval {
namespace {

constexpr std::string_view kPrefix = "segue_scratch_";
constexpr std::string_view kInUse = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";

/// The document tables need nothing of the other modules.
std::vector<store::Migration> document_migrations() {
    std::vector<store::Migration> chosen;
    std::ranges::copy_if(store::all_migrations(), std::back_inserter(chosen),
                         [](const store::Migration& m) { return m.number / 100 == 3; });
    return chosen;
}

void drop(store::Connection& c, const std::string& schema) {
    if (const auto gone = c.execute("DROP SCHEMA IF EXISTS " + schema + " CASCADE"); !gone)
        log::warning("the scratch schema {} could not be dropped: {}", schema, gone.error().detail);
}

Result<void> drop_abandoned(store::Connection& c) {
    SEGUE_TRY(rows, c.query<std::string>("SELECT nspname::text FROM pg_namespace WHERE "
                                         "starts_with(nspname::text, $1)",
                                         kPrefix));
    for (const auto& [schema] : rows) {
        SEGUE_TRY(free, c.one<bool>(kInUse, schema));
        if (!free || !std::get<0>(*free)) continue;
        drop(c, schema);
        SEGUE_TRY(unlocked,
                  c.one<bool>("SELECT pg_advisory_unlock(hashtextextended($1, 0))", schema));
        static_cast<void>(unlocked);
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<ScratchStore>> ScratchStore::make(
    const std::function<Result<std::string>()>& endpoint) {
    SEGUE_TRY(where, endpoint());
    store::ConnectOptions options;
    options.conninfo = where;
    options.statement_timeout = std::chrono::minutes(5);
    SEGUE_TRY(owner, store::Connection::open(options));
    SEGUE_TRY_VOID(drop_abandoned(*owner));
    const std::string schema = std::string(kPrefix) + to_lower(random_hex(12));
    SEGUE_TRY(locked, owner->one<bool>(kInUse, schema));
    static_cast<void>(locked);
    std::unique_ptr<ScratchStore> made(new ScratchStore(std::move(owner), schema));
    const auto migrations = document_migrations();
    SEGUE_TRY(applied, store::Migrator(*made->owner_, schema, migrations).run());
    static_cast<void>(applied);
    store::PoolOptions pool;
    pool.endpoint = endpoint;
    pool.search_path = schema + ",public";
    pool.connections = 4;
    pool.statement_timeout = std::chrono::minutes(10);
    made->pool_ = std::make_unique<store::Pool>(pool);
    return made;
}

ScratchStore::~ScratchStore() {
    pool_.reset();
    drop(*owner_, schema_);
}

}  // namespace segue::rag::eval
