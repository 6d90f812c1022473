#include "store/cluster.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "base/files.hpp"
#include "base/ids.hpp"
#include "store/store.hpp"
#include "store/test_kit.hpp"

namespace segue::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

StoreOptions options_in(const std::string& folder) {
    StoreOptions options;
    options.cluster.folder = folder + "/postgres";
    options.cluster.durability = ClusterOptions::Durability::kNone;
    return options;
}

/// SEGUE_KILLS=100 for a long look.
int rounds() {
    const char* given = std::getenv("SEGUE_KILLS");
    return given ? std::atoi(given) : 3;
}

class ClusterTest : public testing::Test {
protected:
    void SetUp() override { SEGUE_NEEDS_DATABASE(); }
    std::unique_ptr<Store> open() {
        auto opened = Store::open(options_in(folder_.path()));
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
        if (!opened) return nullptr;
        const auto ready = (*opened)->wait_ready(seconds(60));
        EXPECT_TRUE(ready) << (ready ? "" : ready.error().detail);
        return std::move(*opened);
    }
    TestFolder folder_;
};

std::int64_t number(Pool& pool, std::string_view sql) {
    const auto row = pool.one<std::int64_t>(sql);
    EXPECT_TRUE(row && *row) << (row ? "no row" : row.error().detail);
    return row && *row ? std::get<0>(**row) : -1;
}

TEST_F(ClusterTest, WhatWasKeptIsThereAfterAStopAndNothingRunsMeanwhile) {
    pid_t pid = 0;
    {
        const auto store = open();
        ASSERT_TRUE(store);
        pid = store->status().cluster->pid;
        EXPECT_GT(pid, 0);
        ASSERT_TRUE(store->pool().execute("INSERT INTO setting VALUES ('a', '1')"));
    }
    EXPECT_NE(::kill(pid, 0), 0);  // no server, not even a dead one
    const auto store = open();
    EXPECT_EQ(number(store->pool(), "SELECT count(*) FROM setting"), 1);
}

TEST_F(ClusterTest, ASecondOneIsRefusedWithTheOthersProcessId) {
    const auto store = open();
    const auto second = Store::open(options_in(folder_.path()));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::kConflict);
    EXPECT_NE(second.error().detail.find(fmt::format("pid {}", ::getpid())), std::string::npos)
        << second.error().detail;
}

TEST_F(ClusterTest, AGuestUsesItAndTakesItOver) {
    auto owner = open();
    auto options = options_in(folder_.path());
    options.access = Cluster::Access::kShare;
    auto guest = Store::open(options);
    ASSERT_TRUE(guest) << guest.error().detail;
    ASSERT_TRUE((*guest)->wait_ready(seconds(20)));
    EXPECT_FALSE((*guest)->status().cluster->owned);
    const pid_t pid = owner->status().cluster->pid;
    owner->leave();
    owner.reset();
    for (int i = 0; i < 500 && !(*guest)->status().cluster->owned; ++i)
        std::this_thread::sleep_for(milliseconds(20));
    EXPECT_TRUE((*guest)->status().cluster->owned);
    EXPECT_EQ(number((*guest)->pool(), "SELECT count(*) FROM setting"), 0);
    EXPECT_EQ(::kill(pid, 0), 0);  // the same server all the time
    (*guest)->stop();
    // The keeper that the first one started buries it, a moment later.
    for (int i = 0; i < 500 && ::kill(pid, 0) == 0; ++i)
        std::this_thread::sleep_for(milliseconds(20));
    EXPECT_NE(::kill(pid, 0), 0);
}

/// Whatever was acknowledged is there afterwards; a write that failed may be, once.
TEST_F(ClusterTest, KilledAtRandomMomentsItComesBackWithAllThatWasAcknowledged) {
    const auto store = open();
    Pool& pool = store->pool();
    ASSERT_TRUE(pool.execute("CREATE TABLE t (id bigint PRIMARY KEY)"));
    Random random(20261124);
    std::int64_t next = 0;
    std::vector<std::int64_t> acknowledged;
    for (int round = 0; round < rounds(); ++round) {
        std::jthread killer([&, wait = milliseconds(random.below(150))] {
            std::this_thread::sleep_for(wait);
            const pid_t pid = store->status().cluster->pid;
            if (pid > 0) ::kill(pid, SIGKILL);
        });
        for (int i = 0; i < 120; ++i)
            if (const auto id = next++; pool.execute("INSERT INTO t VALUES ($1)", id))
                acknowledged.push_back(id);
        killer.join();
        // Reads come back by themselves.
        for (int i = 0; i < 200 && !pool.one<std::int64_t>("SELECT 1::bigint"); ++i)
            std::this_thread::sleep_for(milliseconds(50));
    }
    EXPECT_GT(store->status().cluster->restarts, 0);
    const auto rows = pool.query<std::int64_t>("SELECT id FROM t");
    ASSERT_TRUE(rows) << rows.error().detail;
    std::vector<bool> there(static_cast<std::size_t>(next));
    for (const auto& [id] : *rows)
        there[static_cast<std::size_t>(id)] = true;
    for (const std::int64_t id : acknowledged)
        EXPECT_TRUE(there[static_cast<std::size_t>(id)]) << id;
}

TEST_F(ClusterTest, TheKeeperStopsTheServerOfASegueThatWasKilled) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the thread sanitizer allows no threads after fork; tests/store does the same "
                    "from outside";
#endif
    const pid_t child = ::fork();
    if (child == 0) {  // a process of its own that is killed while it owns a cluster
        auto opened = Store::open(options_in(folder_.path()));
        if (!opened || !(*opened)->wait_ready(seconds(60))) ::_exit(1);
        std::ofstream(folder_.path() + "/ready") << (*opened)->status().cluster->pid << std::endl;
        ::pause();
        ::_exit(2);
    }
    pid_t server = 0;
    for (int i = 0; i < 1500 && server == 0; ++i) {
        std::this_thread::sleep_for(milliseconds(20));
        std::ifstream(folder_.path() + "/ready") >> server;
    }
    ASSERT_GT(server, 0);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(::kill(server, 0), 0);
    EXPECT_TRUE(wait_for_end(server, seconds(20)));
    const auto store = open();  // and the next one finds all in order
    EXPECT_EQ(number(store->pool(), "SELECT count(*) FROM setting"), 0);
}

TEST_F(ClusterTest, LeftOversOfACrashDoNoHarmAndWhatIsWrongIsNamed) {
    const std::string folder = folder_.path() + "/postgres";
    std::filesystem::create_directories(folder + "/data.new/base");  // killed while it was made
    { const auto store = open(); }
    // After a power cut the process id in the file is somebody else's by now: ours.
    std::ofstream(folder + "/data/postmaster.pid") << ::getpid() << "\n";
    {
        const auto store = open();
        EXPECT_EQ(number(store->pool(), "SELECT count(*) FROM setting"), 0);
    }
    std::ofstream(folder + "/data/postgresql.conf", std::ios::app) << "shared_buffers = nonsense\n";
    {
        auto opened = Store::open(options_in(folder_.path()));
        ASSERT_TRUE(opened);
        for (int i = 0; i < 500 && (*opened)->status().cluster->problem.empty(); ++i)
            std::this_thread::sleep_for(milliseconds(20));
        const std::string problem = (*opened)->status().problem;
        EXPECT_NE(problem.find("shared_buffers"), std::string::npos) << problem;
        // Nobody waits for what will not come.
        EXPECT_FALSE((*opened)->pool().one<std::int64_t>("SELECT 1::bigint"));
    }
    std::ofstream(folder + "/data/PG_VERSION") << "9\n";
    const auto opened = Store::open(options_in(folder_.path()));
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().detail.find("PostgreSQL 9"), std::string::npos);
    EXPECT_NE(opened.error().detail.find("SEGUE_PG_BIN"), std::string::npos);
}

TEST_F(ClusterTest, WithoutPgvectorItIsSaidWhatToInstall) {
    namespace fs = std::filesystem;
    std::string bin;
    {
        auto found = Cluster::open(options_in(folder_.path()).cluster, Cluster::Access::kOwn);
        ASSERT_TRUE(found);
        bin = (*found)->status().bin;
    }
    const fs::path root = fs::path(bin).parent_path().parent_path().parent_path();
    if (!fs::exists(root / "server"))
        GTEST_SKIP() << "only a relocatable PostgreSQL can be copied without its extension";
    fs::permissions(folder_.path(), fs::perms(0755));
    const fs::path copy = fs::path(folder_.path()) / "programs";
    fs::copy(root, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    const fs::path server = copy / fs::relative(fs::path(bin).parent_path(), root);
    fs::remove(server / "share/postgresql/extension/vector.control");
    auto options = options_in(folder_.path());
    options.cluster.pg_bin = (server / "bin").string();
    auto opened = Store::open(options);
    ASSERT_TRUE(opened) << opened.error().detail;
    const auto ready = (*opened)->wait_ready(seconds(120));
    ASSERT_FALSE(ready);
    EXPECT_NE(ready.error().detail.find("pgvector"), std::string::npos) << ready.error().detail;
    EXPECT_NE(ready.error().detail.find("CREATE EXTENSION vector;"), std::string::npos);
    const auto asked = (*opened)->pool().one<std::int64_t>("SELECT 1::bigint");
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().detail, ready.error().detail);
}

TEST_F(ClusterTest, APathTooLongForASocketIsNoObstacle) {
    const std::string deep =
        folder_.path() + "/" + std::string(90, 'd') + "/" + std::string(90, 'e');
    auto opened = Store::open(options_in(deep));
    ASSERT_TRUE(opened) << opened.error().detail;
    const auto ready = (*opened)->wait_ready(seconds(60));
    EXPECT_TRUE(ready) << ready.error().detail;
}

TEST(Store, AnUrlIsShownWithoutItsSecrets) {
    EXPECT_EQ(describe_url("postgresql://me:secret@db.example:5432/segue?sslmode=require"),
              "db.example:5432/segue");
    EXPECT_EQ(describe_url("host=db user=me password=secret dbname=x"), "host=db dbname=x");
}

}  // namespace
}  // namespace segue::store
