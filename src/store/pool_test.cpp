#include "store/pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/test_kit.hpp"

namespace segue::store {
namespace {

using std::chrono::milliseconds;

std::int64_t number(Pool& pool, std::string_view sql) {
    const auto row = pool.one<std::int64_t>(sql);
    EXPECT_TRUE(row && *row) << (row ? "no row" : row.error().detail);
    return row && *row ? std::get<0>(**row) : -1;
}

TEST(Pool, IsBoundedAndSaysSo) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    PoolOptions options;
    options.endpoint = [] { return Result<std::string>(TestCluster::shared().endpoint()); };
    options.connections = 2;
    Pool pool(options);
    auto a = pool.acquire();
    auto b = pool.acquire();
    ASSERT_TRUE(a && b);
    const auto c = pool.acquire(milliseconds(50));
    ASSERT_FALSE(c);
    EXPECT_EQ(c.error().fault, Fault::kTimeout);
    EXPECT_NE(c.error().detail.find("database_connections"), std::string::npos);
    std::jthread later([lease = std::make_unique<Lease>(std::move(*a))]() mutable {
        std::this_thread::sleep_for(milliseconds(30));
        lease.reset();
    });
    EXPECT_TRUE(pool.acquire(milliseconds(5'000)));
    EXPECT_LE(pool.open(), 2U);
}

TEST(Pool, AnIdleConnectionThatDiedIsReplacedEvenForAWrite) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    const std::int64_t pid = number(pool, "SELECT pg_backend_pid()::bigint");
    PoolOptions other;
    other.endpoint = [] { return Result<std::string>(TestCluster::shared().endpoint()); };
    Pool killer(other);
    ASSERT_TRUE(killer.one<bool>("SELECT pg_terminate_backend($1::int, 5000)", pid));
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int)"));
}

TEST(Pool, ReadsAreRepeatedWritesAreNot) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int)"));
    for (const auto trouble : {Trouble::kLostBefore, Trouble::kLostAfter}) {
        store.faults().arm(1, trouble);
        EXPECT_EQ(number(pool, "SELECT 42::bigint"), 42);
        EXPECT_TRUE(store.faults().fired());
    }
    store.faults().arm(1, Trouble::kLostAfter);
    const auto written = pool.execute("INSERT INTO t VALUES (1)");
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().detail.find("not known"), std::string::npos);
    EXPECT_EQ(number(pool, "SELECT count(*) FROM t"), 1);  // once, not twice
}

/// Both rows or none, whatever fails; and when the answer was "saved", both.
TEST(Pool, TransactionsAreWholeWhicheverStatementFails) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int PRIMARY KEY)"));
    const auto work = [](Connection& connection) -> Result<int> {
        SEGUE_TRY(a, connection.execute("INSERT INTO t VALUES (1)"));
        SEGUE_TRY(copy, connection.copy_in("t (id)"));
        SEGUE_TRY_VOID(copy.row(2));
        SEGUE_TRY(b, copy.finish());
        return static_cast<int>(a + b);
    };
    for (const auto trouble : {Trouble::kRefused, Trouble::kLostBefore, Trouble::kLostAfter}) {
        bool fired = true;
        for (std::int64_t n = 1; fired; ++n) {
            ASSERT_LT(n, 50);
            ASSERT_TRUE(pool.execute("TRUNCATE t"));
            store.faults().arm(n, trouble);
            const auto done = pool.transaction(work);
            fired = store.faults().fired();
            store.faults().disarm();
            const std::int64_t rows = number(pool, "SELECT count(*) FROM t");
            if (done) {
                EXPECT_EQ(rows, 2) << "n = " << n;
            } else {
                // Lost after it was done is only an error where that is COMMIT.
                EXPECT_EQ(rows, trouble == Trouble::kLostAfter ? 2 : 0) << "n = " << n;
            }
        }
    }
}

TEST(Pool, ADeadlockIsRepeated) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int PRIMARY KEY, n int)"));
    ASSERT_TRUE(pool.execute("INSERT INTO t VALUES (1, 0), (2, 0)"));
    std::atomic<int> runs{0};
    std::atomic<int> met{0};
    const auto turn = [&](int first, int second) {
        return pool.transaction([&, first, second](Connection& connection) -> Result<int> {
            const int run = ++runs;
            SEGUE_TRY(a, connection.execute("UPDATE t SET n = n + 1 WHERE id = $1", first));
            // The first two runs wait for each other with a row in hand each.
            ++met;
            for (int i = 0; run <= 2 && met < 2 && i < 500; ++i)
                std::this_thread::sleep_for(milliseconds(10));
            SEGUE_TRY(b, connection.execute("UPDATE t SET n = n + 1 WHERE id = $1", second));
            return static_cast<int>(a + b);
        });
    };
    std::jthread other([&] { EXPECT_TRUE(turn(2, 1)); });
    EXPECT_TRUE(turn(1, 2));
    other.join();
    EXPECT_GE(runs, 3);
    EXPECT_EQ(number(pool, "SELECT sum(n) FROM t"), 4);
}

TEST(Pool, ManyThreadsShareFewConnections) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id bigint)"));
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 24; ++i)
            threads.emplace_back([&pool, i] {
                for (int j = 0; j < 10; ++j)
                    EXPECT_TRUE(pool.execute("INSERT INTO t VALUES ($1)", i * 100 + j));
            });
    }
    EXPECT_EQ(number(pool, "SELECT count(DISTINCT id) FROM t"), 240);
    EXPECT_LE(pool.open(), 16U);
}

TEST(Pool, AnUnreachableDatabaseIsAnErrorInTime) {
    PoolOptions options;
    options.endpoint = [] { return Result<std::string>("host=/nonexistent user=x dbname=y"); };
    options.patience = milliseconds(200);
    Pool pool(options);
    const auto begin = std::chrono::steady_clock::now();
    const auto read = pool.one<std::int64_t>("SELECT 1");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().fault, Fault::kUnreachable);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace segue::store
