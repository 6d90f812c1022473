/// A real database for tests: one private cluster a test program (made in half a second, nothing
/// synced), a fresh schema with all migrations for each TestStore.
///
///     TEST(Documents, AreFound) {
///         SEGUE_NEEDS_DATABASE();
///         store::TestStore store;
///         auto made = store.pool().execute("INSERT INTO …");
///
/// `store.faults().arm(n, Trouble::kLostAfter)` makes the n-th statement from now fail.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "store/cluster.hpp"
#include "store/fault_injection.hpp"
#include "store/migrations.hpp"
#include "store/pool.hpp"

namespace segue::store {

/// A folder that goes with the test.
class TestFolder {
public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "segue-store-XXXXXX").string();
        SEGUE_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TestFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// The cluster that all tests of this program share.
class TestCluster {
public:
    static TestCluster& shared() {
        static TestCluster one;
        return one;
    }
    /// "" = it runs.
    const std::string& unavailable() const { return unavailable_; }
    std::string endpoint(const std::string& database = "postgres") const {
        std::string text = cluster_->endpoint().value();
        return text.replace(text.find("dbname=postgres"), 15, "dbname=" + database);
    }

private:
    TestCluster() {
        ClusterOptions options;
        options.folder = folder_.path() + "/postgres";
        options.durability = ClusterOptions::Durability::kNone;
        auto opened = Cluster::open(options, Cluster::Access::kOwn);
        if (!opened) {
            unavailable_ = opened.error().detail;
            return;
        }
        cluster_ = std::move(*opened);
        cluster_->start();
        // A machine that is busy with sanitizer builds takes its time.
        const auto ready = cluster_->wait_ready(std::chrono::seconds(240));
        if (!ready) std::fprintf(stderr, "%s\n", ready.error().detail.c_str());
        SEGUE_CHECK(ready.has_value());
    }
    TestFolder folder_;
    std::unique_ptr<Cluster> cluster_;
    std::string unavailable_;
};

class TestStore {
public:
    TestStore() {
        static std::atomic<int> count{0};
        schema_ = fmt::format("test_{}", ++count);
        ConnectOptions options;
        options.conninfo = TestCluster::shared().endpoint();
        auto connection = Connection::open(options);
        SEGUE_CHECK(connection.has_value());
        const auto migrated = Migrator(**connection, schema_).run();
        if (!migrated) ADD_FAILURE() << migrated.error().detail;
        PoolOptions pool;
        pool.endpoint = [] { return Result<std::string>(TestCluster::shared().endpoint()); };
        pool.search_path = schema_ + ",public";
        pool.faults = &faults_;
        pool_ = std::make_unique<Pool>(pool);
    }
    ~TestStore() {
        faults_.disarm();
        (void)pool_->execute("DROP SCHEMA " + schema_ + " CASCADE");
    }
    TestStore(const TestStore&) = delete;
    TestStore& operator=(const TestStore&) = delete;

    Pool& pool() { return *pool_; }
    FailNth& faults() { return faults_; }
    const std::string& schema() const { return schema_; }

private:
    FailNth faults_;
    std::string schema_;
    std::unique_ptr<Pool> pool_;
};

}  // namespace segue::store

/// Skips only where no PostgreSQL can be found at all.
#define SEGUE_NEEDS_DATABASE()                                                    \
    do {                                                                          \
        const auto& why = ::segue::store::TestCluster::shared().unavailable();    \
        if (!why.empty()) GTEST_SKIP() << "no PostgreSQL for this test: " << why; \
    } while (false)
