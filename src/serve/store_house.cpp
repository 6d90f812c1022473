#include "serve/store_house.hpp"

#include <utility>

#include "serve/daemon.hpp"

namespace segue::serve {
namespace {

// A first start makes the database; on a slow disk that takes its time.
constexpr std::chrono::milliseconds kPatience{120'000};

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const Config& config,
                                                 store::Cluster::Access access) {
    const DatabaseConfig& database = config.database;
    if (database.kind == DatabaseConfig::Kind::kNone)
        return fail(Fault::kNotFound,
                    "the configuration wants no database (--no-store, store: false or database: "
                    "none); leave that out");
    store::StoreOptions options;
    options.url = database.url;
    options.access = access;
    options.connections = database.connections;
    options.cluster.folder = config.data_dir + "/postgres";
    options.cluster.pg_bin = database.pg_bin;
    options.cluster.user = database.user;
    return store::Store::open(std::move(options));
}

Result<std::unique_ptr<store::Store>> open_ready_store(const Flags& flags,
                                                       const Environment& environment) {
    const LoadedConfig loaded = load_config(flags, environment);
    if (!loaded.issues.empty()) return fail(Fault::kInvalid, describe_issues(loaded.issues));
    // A command says what it has to say itself.
    const log::Level level = log::level();
    log::configure(log::Level::kError, loaded.config.log_format);
    auto opened = open_store(loaded.config, store::Cluster::Access::kShare);
    if (opened)
        if (auto ready = (*opened)->wait_ready(kPatience); !ready)
            opened = tl::make_unexpected(std::move(ready).error());
    log::configure(level, loaded.config.log_format);
    return opened;
}

api::StoreState store_state(const store::Store* store, const std::string& why) {
    using State = api::StoreState::State;
    if (!store) {
        if (!why.empty()) return {State::kUnavailable, why};
        return {State::kOff,
                "this segue runs without a store (--no-store, store: false or database: none)"};
    }
    const auto status = store->status();
    if (status.ready) return {State::kReady, ""};
    const bool starting =
        status.cluster && status.cluster->state == store::Cluster::State::kStarting;
    return {starting ? State::kStarting : State::kUnavailable, status.problem};
}

}  // namespace segue::serve
