#include "gateway/usage.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.hpp"
#include "base/time_text.hpp"
#include "evidence/day_chain.hpp"
#include "gateway/record.hpp"

namespace segue::gateway {
namespace {

using std::chrono::hours;

class UsageTest : public testing::Test {
protected:
    UsageTest() {
        char name[] = "/tmp/segue-usage-XXXXXX";
        folder_ = ::mkdtemp(name);
        file_ = folder_ + "/usage.json";
    }
    ~UsageTest() override { std::filesystem::remove_all(folder_); }

    RequestRecord request(std::string front, std::string engine, bool ollama,
                          std::string peer = "10.0.0.7:4711") const {
        RequestRecord record;
        record.front = std::move(front);
        record.engine = std::move(engine);
        if (ollama) record.ollama_engine = record.engine;
        record.peer = std::move(peer);
        record.wall = clock_.wall();
        return record;
    }

    std::string folder_;
    std::string file_;
    FakeClock clock_;
};

TEST_F(UsageTest, CountsByDayAndCaller) {
    UsageRecord record;
    record.keep_in(file_, clock_.wall());
    auto& one = record.make_shard();
    auto& two = record.make_shard();
    one.note(request("ollama", "box", true), "ollama-python/0.6");
    two.note(request("ollama", "gpu", false, "10.0.0.7:4799"), "ollama-python/0.6");
    one.note(request("openai", "gpu", false), "openai/1");
    one.note(request("openai", "", false), "openai/1");  // answered by Segue: nobody was asked
    clock_.advance(hours(24));
    two.note(request("openai", "gpu", false), "openai/1");

    const Usage seen = record.total();
    ASSERT_EQ(seen.days.size(), 2U);
    EXPECT_EQ(seen.days.begin()->second.answered, 3);
    EXPECT_EQ(seen.days.begin()->second.ollama_engine, 1);
    EXPECT_EQ(seen.days.begin()->second.ollama_front, 2);
    EXPECT_EQ(seen.days.rbegin()->second.ollama_engine, 0);
    ASSERT_TRUE(seen.last_ollama_engine);
    EXPECT_EQ(seen.last_ollama_engine->second, "box");
    ASSERT_EQ(seen.callers.size(), 1U);  // the port is not part of who it is
    EXPECT_EQ(seen.callers.begin()->second.requests, 2);
}

TEST_F(UsageTest, SurvivesARestartAndAnotherProcess) {
    UsageRecord old;
    old.keep_in(file_, clock_.wall());
    auto& old_shard = old.make_shard();
    old_shard.note(request("ollama", "box", true), "a");
    ASSERT_TRUE(old.save());
    UsageRecord fresh;
    fresh.keep_in(file_, clock_.wall() + hours(1));
    fresh.make_shard().note(request("openai", "gpu", false), "b");
    ASSERT_TRUE(fresh.save());
    old_shard.note(request("openai", "gpu", false), "b");  // it still finishes what it has
    ASSERT_TRUE(old.save());

    UsageRecord last;
    last.keep_in(file_, clock_.wall() + hours(2));
    const Usage seen = last.total();
    EXPECT_EQ(seen.since, std::chrono::floor<std::chrono::seconds>(clock_.wall()));
    ASSERT_EQ(seen.days.size(), 1U);
    EXPECT_EQ(seen.days.begin()->second.answered, 3);
    EXPECT_EQ(seen.days.begin()->second.ollama_engine, 1);
}

TEST_F(UsageTest, AnUnwritableFolderLosesNothing) {
    UsageRecord record;
    record.keep_in(folder_ + "/file/usage.json", clock_.wall());
    ASSERT_TRUE(replace_file(folder_ + "/file", "in the way", FileAccess::kOwner));
    record.make_shard().note(request("openai", "gpu", false), "");
    EXPECT_FALSE(record.save());
    EXPECT_EQ(record.total().days.begin()->second.answered, 1);
    std::filesystem::remove(folder_ + "/file");
    EXPECT_TRUE(record.save());
    EXPECT_EQ(record.total().days.begin()->second.answered, 1);
}

TEST_F(UsageTest, AFileThatCannotBeReadIsPutAside) {
    ASSERT_TRUE(replace_file(file_, "{\"schema\":\"segue-usage/1\",\"days\":[{\"day\":\"soon\"}]}",
                             FileAccess::kOwner));
    UsageRecord record;
    record.keep_in(file_, clock_.wall());
    EXPECT_TRUE(std::filesystem::exists(file_ + ".unreadable"));
    ASSERT_TRUE(record.save());
    EXPECT_TRUE(record.total().since);
    EXPECT_TRUE(record.total().days.empty());
}

TEST_F(UsageTest, DaysAreAChain) {
    UsageRecord record;
    record.keep_in(file_, clock_.wall());
    auto& shard = record.make_shard();
    const auto long_ago = request("ollama", "box", true);
    for (int day = 0; day < 6; ++day) {
        if (day != 2) shard.note(request("openai", "gpu", false), "a");  // nobody came on one day
        ASSERT_TRUE(record.save());
        clock_.advance(hours(24));
    }
    const Usage before = record.total();
    ASSERT_EQ(before.days.size(), 6U);
    shard.note(long_ago, "a");  // of a day that is sealed: it counts, and breaks nothing
    ASSERT_TRUE(record.save());
    UsageRecord again;
    again.keep_in(file_, clock_.wall());
    const Usage after = again.total();
    std::int64_t asked = 0;
    std::vector<evidence::CountedDay> days;
    for (const auto& [day, counts] : after.days) {
        asked += counts.ollama_engine;
        days.push_back({rfc3339(WallTime(std::chrono::days(day))).substr(0, 10), counts.answered,
                        counts.ollama_engine, counts.ollama_front, counts.seal});
        EXPECT_EQ(counts.seal.empty(), day > after.days.rbegin()->first - 2);
    }
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(after.days.begin()->second.ollama_engine, 0);
    EXPECT_EQ(evidence::check_days(after.chain_start, days).broken, std::nullopt);
    EXPECT_EQ(evidence::check_days(after.chain_start, days).closed, 4U);
}

TEST_F(UsageTest, HasABound) {
    UsageRecord record;
    auto& shard = record.make_shard();
    for (int i = 0; i < 1000; ++i)
        shard.note(request("ollama", "gpu", false, "10.0." + std::to_string(i) + ".1:1"),
                   "agent\n\x01");
    const Usage seen = record.total();
    EXPECT_EQ(seen.callers.size(), Usage::kMostCallers);
    EXPECT_EQ(seen.unnamed_callers, 1000 - static_cast<std::int64_t>(Usage::kMostCallers));
    EXPECT_EQ(std::get<1>(seen.callers.begin()->first), "agent");

    Usage days;
    for (int i = 0; i < 200; ++i)
        days.days[i].answered = 1;
    days.trim();
    EXPECT_EQ(days.days.size(), Usage::kMostDays);
    EXPECT_EQ(days.days.begin()->first, 110);
}

}  // namespace
}  // namespace segue::gateway
