/// The store: one PostgreSQL, private or named by DATABASE_URL, with Segue's schema in it. How to
/// use it:
///
///     store::Pool& pool = store.pool();                     // safe to keep; lives as long as the
///     store SEGUE_TRY(row, pool.one<std::string>("SELECT title FROM document WHERE id = $1", id));
///     SEGUE_TRY(n, pool.execute("DELETE FROM document WHERE id = $1", id));
///     SEGUE_TRY(id, pool.transaction([&](store::Connection& c) -> Result<std::int64_t> {
///         SEGUE_TRY(made, c.one<std::int64_t>("INSERT … RETURNING id", …));
///         SEGUE_TRY(copy, c.copy_in("passage (document, body)"));
///         …
///         return std::get<0>(*made);
///     }));
///
/// While the store starts, or its database is away, every call is an error that says so (after the
/// pool's patience); it comes back by itself. Ask ready() where a page should say it first.
/// Tables belong to modules: a numbered file in src/store/migrations each (store/migrations.hpp).
/// Tests: store/test_kit.hpp gives a real database in a fresh schema.
///
/// Thread: any. Never on a worker's loop: everything here blocks (store/write_behind.hpp is for
/// what workers have to say).
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "store/cluster.hpp"
#include "store/migrations.hpp"
#include "store/pool.hpp"

namespace segue::store {

struct StoreOptions {
    std::string url;         // DATABASE_URL; "" = a private cluster
    ClusterOptions cluster;  // of the private one
    Cluster::Access access = Cluster::Access::kOwn;
    std::string schema = "segue";
    std::size_t connections = 16;
    FaultInjection* faults = nullptr;  // tests only
};

class Store {
public:
    /// Quick: an error when another Segue owns the private cluster or no PostgreSQL is found; the
    /// rest happens behind, and wait_ready() or status() tells how it went.
    static Result<std::unique_ptr<Store>> open(StoreOptions options);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    Pool& pool() { return *pool_; }
    /// The schema is there and the database answered when it was last asked.
    bool ready() const;
    Result<void> wait_ready(std::chrono::milliseconds patience) const;
    /// `then` runs once on the store's thread when it is ready for the first time.
    void when_ready(std::function<void()> then);

    struct Status {
        bool ready = false;
        std::string problem;  // why not
        bool is_private = true;
        std::string server;  // "PostgreSQL 16.14"
        std::optional<Cluster::Status> cluster;
    };
    Status status() const;
    /// libpq's words for connecting; hold the password.
    Result<std::string> endpoint() const;
    /// Null: an external database.
    Cluster* cluster() { return cluster_.get(); }
    const StoreOptions& options() const { return options_; }

    void stop();
    /// The private cluster runs on: a successor has taken over.
    void leave();

private:
    explicit Store(StoreOptions options);
    void start();
    void run(const std::stop_token& stop);
    Result<void> bring_up();

    StoreOptions options_;
    std::unique_ptr<Cluster> cluster_;
    std::unique_ptr<Pool> pool_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    bool schema_ready_ = false;
    Error problem_{Fault::kUnreachable, "the database is starting; try again in a moment", "store"};
    std::vector<std::function<void()>> then_;
    std::string server_;
    std::jthread thread_;
};

/// Host, port and name of a DATABASE_URL, without user and password.
std::string describe_url(const std::string& url);

}  // namespace segue::store
