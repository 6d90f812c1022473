#include "store/migrations.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/text.hpp"
#include "store/test_kit.hpp"

namespace segue::store {
namespace {

class MigrationsTest : public testing::Test {
protected:
    void SetUp() override {
        SEGUE_NEEDS_DATABASE();
        connection_ = open();
    }
    static std::unique_ptr<Connection> open() {
        ConnectOptions options;
        options.conninfo = TestCluster::shared().endpoint();
        return Connection::open(options).value();
    }
    std::string schema() {
        static int count = 0;
        return fmt::format("migrated_{}", ++count);
    }
    /// Columns, indexes and constraints, in words.
    std::string shape(const std::string& schema) {
        std::string out;
        const auto columns = connection_->query<std::string>(
            "SELECT format('%s.%s %s %s %s', table_name, column_name, udt_name, is_nullable, "
            "column_default) FROM information_schema.columns WHERE table_schema = $1 ORDER BY 1",
            schema);
        const auto indexes = connection_->query<std::string>(
            "SELECT replace(indexdef, $1, '') FROM pg_indexes WHERE schemaname = $1 ORDER BY 1",
            schema);
        const auto constraints = connection_->query<std::string>(
            "SELECT conname || replace(pg_get_constraintdef(c.oid), $1, '') FROM pg_constraint c "
            "JOIN "
            "pg_namespace n ON n.oid = connamespace WHERE nspname = $1 ORDER BY 1",
            schema);
        for (const auto* rows : {&columns, &indexes, &constraints}) {
            EXPECT_TRUE(*rows);
            for (const auto& [line] : **rows)
                out += line + "\n";
        }
        return out;
    }
    std::unique_ptr<Connection> connection_;
};

TEST_F(MigrationsTest, NumbersAreInOrderAndUnique) {
    int before = 0;
    for (const auto& migration : all_migrations()) {
        EXPECT_GT(migration.number, before) << migration.name;
        before = migration.number;
    }
    EXPECT_GT(before, 0);
}

TEST_F(MigrationsTest, FromEveryOlderVersionTheResultIsTheSame) {
    const auto all = all_migrations();
    const std::string fresh = schema();
    ASSERT_TRUE(Migrator(*connection_, fresh).run());
    const std::string wanted = shape(fresh);
    EXPECT_NE(wanted.find("person"), std::string::npos);
    for (std::size_t count = 0; count < all.size(); ++count) {
        const std::string name = schema();
        ASSERT_TRUE(Migrator(*connection_, name, all.first(count)).run());
        const auto rest = Migrator(*connection_, name).run();
        ASSERT_TRUE(rest) << rest.error().detail;
        EXPECT_EQ(rest->size(), all.size() - count);
        EXPECT_EQ(shape(name), replace_all(wanted, fresh, name)) << "from the first " << count;
        EXPECT_TRUE(Migrator(*connection_, name).run()->empty());
    }
}

TEST_F(MigrationsTest, OneThatFailsLeavesTheOnesBeforeItAndNothingElse) {
    const std::array steps{Migration{1, "good", "CREATE TABLE a (id int)"},
                           Migration{2, "bad", "CREATE TABLE b (id int); SELECT nonsense()"}};
    const std::string name = schema();
    const auto outcome = Migrator(*connection_, name, steps).run();
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().detail.find("0002 (bad)"), std::string::npos)
        << outcome.error().detail;
    EXPECT_EQ(Migrator(*connection_, name, steps).applied()->size(), 1U);
    EXPECT_EQ(shape(name).find("b.id"), std::string::npos);
    const std::array mended{steps[0], Migration{2, "bad", "CREATE TABLE b (id int)"}};
    EXPECT_EQ(Migrator(*connection_, name, mended).run(), std::vector{2});
}

TEST_F(MigrationsTest, AChangedFileAndANewerDatabaseAreRefused) {
    const std::array steps{Migration{1, "one", "CREATE TABLE a (id int)"},
                           Migration{2, "two", "CREATE TABLE b (id int)"}};
    const std::string name = schema();
    ASSERT_TRUE(Migrator(*connection_, name, steps).run());
    const auto older = Migrator(*connection_, name, std::span(steps).first(1)).run();
    ASSERT_FALSE(older);
    EXPECT_NE(older.error().detail.find("newer Segue"), std::string::npos) << older.error().detail;
    const std::array changed{Migration{1, "one", "CREATE TABLE a (id bigint)"}, steps[1]};
    const auto edited = Migrator(*connection_, name, changed).run();
    ASSERT_FALSE(edited);
    EXPECT_NE(edited.error().detail.find("is not the one"), std::string::npos);
}

TEST_F(MigrationsTest, TwoAtOnceWaitForEachOther) {
    const std::string name = schema();
    std::vector<Result<std::vector<int>>> outcomes(4);
    {
        std::vector<std::jthread> threads;
        for (auto& outcome : outcomes)
            threads.emplace_back([&] {
                const auto own = open();
                outcome = Migrator(*own, name).run();
            });
    }
    std::size_t applied = 0;
    for (const auto& outcome : outcomes) {
        ASSERT_TRUE(outcome) << outcome.error().detail;
        applied += outcome->size();
    }
    EXPECT_EQ(applied, all_migrations().size());
}

TEST_F(MigrationsTest, WithoutTheRightTheSqlToRunIsSaid) {
    ASSERT_TRUE(connection_->script("CREATE ROLE humble LOGIN PASSWORD 'x'"));
    ASSERT_TRUE(connection_->script("CREATE DATABASE theirs"));
    ConnectOptions options;
    options.conninfo = TestCluster::shared().endpoint("theirs");
    options.conninfo.replace(options.conninfo.find("user=segue"), 10, "user=humble");
    options.conninfo.replace(options.conninfo.find("password='"), std::string::npos, "password=x");
    auto humble = Connection::open(options);
    ASSERT_TRUE(humble) << humble.error().detail;
    const auto no_schema = Migrator(**humble, "segue").run();
    ASSERT_FALSE(no_schema);
    EXPECT_NE(no_schema.error().detail.find("CREATE SCHEMA \"segue\""), std::string::npos)
        << no_schema.error().detail;
    options.conninfo = TestCluster::shared().endpoint("theirs");
    ASSERT_TRUE(
        Connection::open(options).value()->script("CREATE SCHEMA segue AUTHORIZATION humble"));
    const auto no_extension = Migrator(**humble, "segue").run();
    ASSERT_FALSE(no_extension);
    EXPECT_NE(no_extension.error().detail.find("CREATE EXTENSION vector;"), std::string::npos)
        << no_extension.error().detail;
    humble = fail(Fault::kInternal, "closed");
    ASSERT_TRUE(connection_->script("DROP DATABASE theirs WITH (FORCE)"));
    ASSERT_TRUE(connection_->script("DROP ROLE humble"));
}

}  // namespace
}  // namespace segue::store
