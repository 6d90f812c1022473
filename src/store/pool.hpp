/// Connections for everybody: bounded, made when needed, checked before use, made anew when the
/// server was away. The one place that knows what may be repeated after a lost connection:
///
///     pool.query<…>, pool.one<…>, pool.read(work)   reads: repeated when the connection is lost
///     pool.execute(sql, …)                          one write: never repeated
///     pool.transaction(work)                        several: repeated only while it is certain
///     that
///                                                   nothing was kept (lost before COMMIT,
///                                                   deadlock)
///
/// A write whose answer was lost is an error that says so; it may have been kept. Give rows an id
/// of your own and say ON CONFLICT DO NOTHING where you must be able to try again.
///
/// Thread: any. Whoever holds a Lease must not ask for another one (with all connections held that
/// way nobody could go on). Lifetime: longer than every lease.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "store/connection.hpp"

namespace segue::store {

struct PoolOptions {
    /// Where to connect now, or why not yet. kUnreachable is asked again until the deadline, any
    /// other fault is final.
    std::function<Result<std::string>()> endpoint;
    std::string search_path;
    std::size_t connections = 16;
    /// How long one may wait for a free connection, or for a database that is away.
    std::chrono::milliseconds patience{5'000};
    std::chrono::milliseconds statement_timeout{30'000};
    std::chrono::milliseconds idle{60'000};  // a connection that nobody wants is closed
    FaultInjection* faults = nullptr;        // tests only
};

class Pool;

/// A connection on loan.
class Lease {
public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

private:
    friend class Pool;
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
};

/// Something that is done with a connection and may fail.
template <class W>
concept Work = std::invocable<W&, Connection&> &&
               requires(std::invoke_result_t<W&, Connection&> r) { r.error().detail; };

class Pool {
public:
    explicit Pool(PoolOptions options);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    Result<Lease> acquire() { return acquire(options_.patience); }
    Result<Lease> acquire(std::chrono::milliseconds patience);

    template <Column... Row, Bindable... P>
    Result<Rows<Row...>> query(std::string_view sql, const P&... parameters) {
        return read([&](Connection& c) { return c.query<Row...>(sql, parameters...); });
    }
    template <Column... Row, Bindable... P>
    Result<std::optional<std::tuple<Row...>>> one(std::string_view sql, const P&... parameters) {
        return read([&](Connection& c) { return c.one<Row...>(sql, parameters...); });
    }
    template <Bindable... P>
    Result<std::uint64_t> execute(std::string_view sql, const P&... parameters) {
        SEGUE_TRY(lease, acquire());
        return outcome_known(*lease, lease->execute(sql, parameters...));
    }

    /// `work` only reads; it may run twice.
    template <Work W>
    std::invoke_result_t<W&, Connection&> read(W&& work) {
        for (int attempt = 1;; ++attempt) {
            SEGUE_TRY(lease, acquire());
            auto outcome = work(*lease);
            if (outcome || !lease->broken() || attempt == kAttempts) return outcome;
        }
    }
    /// BEGIN, `work`, COMMIT; ROLLBACK when it fails. `work` may run several times: it must change
    /// nothing but the database and its own result.
    template <Work W>
    std::invoke_result_t<W&, Connection&> transaction(W&& work) {
        for (int attempt = 1;; ++attempt) {
            SEGUE_TRY(lease, acquire());
            Connection& connection = *lease;
            const bool last = attempt == kAttempts;
            if (auto begun = connection.execute("BEGIN"); !begun) {
                if (connection.broken() && !last) continue;
                return tl::make_unexpected(std::move(begun).error());
            }
            auto outcome = work(connection);
            if (outcome && connection.transaction_failed())
                return fail(Fault::kInternal,
                            "a statement failed inside a transaction, and the code went on",
                            "store");
            if (outcome) {
                auto committed = outcome_known(connection, connection.execute("COMMIT"));
                if (committed) return outcome;
                if (!can_repeat(connection.sqlstate()) || last)
                    return tl::make_unexpected(std::move(committed).error());
            } else if (last || (!connection.broken() && !can_repeat(connection.sqlstate()))) {
                return outcome;
            }
            if (!connection.broken()) pause(attempt);
        }
    }

    /// Connections that exist now.
    std::size_t open() const;

private:
    friend class Lease;
    static constexpr int kAttempts = 4;
    using SteadyTime = std::chrono::steady_clock::time_point;
    struct Idle {
        std::unique_ptr<Connection> connection;
        SteadyTime since;
    };

    static bool can_repeat(std::string_view sqlstate);
    static void pause(int attempt);
    /// Says of a lost write that it may have been kept.
    static Result<std::uint64_t> outcome_known(const Connection& connection,
                                               Result<std::uint64_t> outcome);
    Result<std::unique_ptr<Connection>> connect(SteadyTime deadline);
    void give_back(std::unique_ptr<Connection> connection);
    void close_idle(std::vector<std::unique_ptr<Connection>>& closing);

    const PoolOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<Idle> idle_;  // the one used last at the back
    std::size_t open_ = 0;    // idle and on loan
};

}  // namespace segue::store
