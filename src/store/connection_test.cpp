#include "store/connection.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "store/test_kit.hpp"

namespace segue::store {
namespace {

using std::chrono::milliseconds;

template <class T>
T value(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().detail);
    return result ? std::move(*result) : T{};
}

/// There and back: $1 as `type`, read as T.
template <class T>
T round_trip(Pool& pool, const T& in, const std::string& type) {
    auto row = pool.one<T>("SELECT $1::" + type, in);
    EXPECT_TRUE(row && *row) << (row ? "no row" : row.error().detail);
    return row && *row ? std::get<0>(**row) : T{};
}

TEST(Connection, ValuesComeBackAsTheyWere) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    for (const std::int64_t n : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max()})
        EXPECT_EQ(round_trip(pool, n, "bigint"), n);
    for (const double n : {0.1, -1e308, 5e-324, std::numeric_limits<double>::infinity(), 1.0 / 3})
        EXPECT_EQ(round_trip(pool, n, "float8"), n);
    EXPECT_TRUE(std::isnan(round_trip(pool, std::nan(""), "float8")));
    EXPECT_EQ(round_trip(pool, true, "bool"), true);
    for (const std::string text :
         {"", "it's \"quoted\" \\ back\tslash\n", "Grüße 世界 🚀", "NULL", "{a,b}"})
        EXPECT_EQ(round_trip(pool, text, "text"), text);
    const Bytes bytes{std::string("\0\x01\xff\\x", 5)};
    EXPECT_EQ(round_trip(pool, bytes, "bytea"), bytes);
    const Embedding embedding{{0.1F, -2.5e-7F, 3.0F, 0.0F}};
    EXPECT_EQ(round_trip(pool, embedding, "vector"), embedding);
    const std::vector<std::int64_t> numbers{1, -2, 3};
    EXPECT_EQ(round_trip(pool, numbers, "bigint[]"), numbers);
    EXPECT_EQ(round_trip(pool, std::vector<std::int64_t>{}, "bigint[]"),
              std::vector<std::int64_t>{});
    const std::vector<std::string> texts{"", "a,b", "\"{}\\", "NULL", "null", " x "};
    EXPECT_EQ(round_trip(pool, texts, "text[]"), texts);
    const WallTime now = SystemClock().wall();
    const auto micros = std::chrono::time_point_cast<std::chrono::microseconds>(now);
    EXPECT_EQ(round_trip(pool, WallTime(micros), "timestamptz"), WallTime(micros));
    EXPECT_EQ(round_trip(pool, std::optional<std::string>{}, "text"), std::nullopt);
    EXPECT_EQ(round_trip(pool, std::optional<std::int64_t>{7}, "bigint"), 7);
}

TEST(Connection, ErrorsSayWhatToDoAndWhoseFaultItIs) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0))"));
    ASSERT_TRUE(pool.execute("INSERT INTO t VALUES (1, 1)"));
    EXPECT_EQ(pool.execute("INSERT INTO t VALUES (1, 1)").error().fault, Fault::kConflict);
    EXPECT_EQ(pool.execute("INSERT INTO t VALUES (2, 0)").error().fault, Fault::kInvalid);
    EXPECT_EQ(pool.execute("SELEC").error().fault, Fault::kInternal);
    EXPECT_EQ(pool.one<std::int64_t>("SELECT NULL::bigint").error().fault, Fault::kInternal);
    EXPECT_EQ(pool.one<std::string>("SELECT $1::text", std::string("a\0b", 3)).error().fault,
              Fault::kInvalid);
    EXPECT_EQ(pool.one<std::string>("SELECT $1::text", "\xff\xfe").error().fault, Fault::kInvalid);
    EXPECT_EQ((pool.query<std::int64_t>("SELECT 1, 2").error().fault), Fault::kInternal);
}

TEST(Connection, StatementsEndByTheirPatience) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    auto lease = value(
        store.pool().acquire().map([](Lease l) { return std::make_unique<Lease>(std::move(l)); }));
    Connection& connection = **lease;
    ASSERT_TRUE(connection.allow(milliseconds(100)));
    const auto slow = connection.execute("SELECT pg_sleep(20)");
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().fault, Fault::kTimeout);
    EXPECT_FALSE(connection.broken());
    EXPECT_TRUE(connection.execute("SELECT 1"));  // and goes on
}

TEST(Connection, CopyTakesEveryTextAndIsAllOrNothing) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id bigint, name text, v vector, b bytea)"));
    const std::string nasty = "tab\tline\nback\\slash \\N \\. \r end";
    const auto fill = [&](bool finish) {
        return pool.transaction([&](Connection& connection) -> Result<std::uint64_t> {
            SEGUE_TRY(copy, connection.copy_in("t (id, name, v, b)"));
            for (int i = 0; i < 5000; ++i)
                SEGUE_TRY_VOID(copy.row(i, nasty, Embedding{{1.5F, -2.0F}}, Bytes{"\x01\\\xff"}));
            if (!finish) return fail(Fault::kInvalid, "changed my mind");
            return copy.finish();
        });
    };
    EXPECT_FALSE(fill(false));
    EXPECT_EQ(std::get<0>(**pool.one<std::int64_t>("SELECT count(*) FROM t")), 0);
    EXPECT_EQ(value(fill(true)), 5000U);
    const auto row =
        pool.one<std::string, Embedding, Bytes>("SELECT name, v, b FROM t WHERE id = 4999");
    ASSERT_TRUE(row && *row);
    EXPECT_EQ(std::get<0>(**row), nasty);
    EXPECT_EQ(std::get<1>(**row), (Embedding{{1.5F, -2.0F}}));
    EXPECT_EQ(std::get<2>(**row), (Bytes{"\x01\\\xff"}));
    const auto wrong = pool.transaction([&](Connection& connection) -> Result<std::uint64_t> {
        SEGUE_TRY(copy, connection.copy_in("t (id)"));
        SEGUE_TRY_VOID(copy.row("no number"));
        return copy.finish();
    });
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().fault, Fault::kInvalid);
}

TEST(Connection, APreparedStatementOutlivesAChangeOfItsTable) {
    SEGUE_NEEDS_DATABASE();
    TestStore store;
    Pool& pool = store.pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id int)"));
    ASSERT_TRUE(pool.query<std::int32_t>("SELECT * FROM t"));
    ASSERT_TRUE(pool.execute("ALTER TABLE t ALTER id TYPE text"));
    EXPECT_TRUE(pool.query<std::string>("SELECT * FROM t"));
}

}  // namespace
}  // namespace segue::store
