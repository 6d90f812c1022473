#include "engine/balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/hash.hpp"

namespace segue::engine {
namespace {

using namespace std::chrono_literals;
using Health = Standing::Health;

std::vector<Standing> engines(std::size_t count) {
    std::vector<Standing> standings(count);
    for (std::size_t i = 0; i < count; ++i)
        standings[i].seed = hash64("engine-" + std::to_string(i));
    return standings;
}

LoadFigures figures(double others, double waiting = 0, std::optional<double> cache = {}) {
    return {others, waiting, cache};
}

constexpr BalanceOptions kLeast{.balance = Balance::kLeastLoaded};
constexpr BalanceOptions kRobin{.balance = Balance::kRoundRobin};
constexpr BalanceOptions kKeep{};

std::uint16_t first(const std::vector<Standing>& standings, const BalanceOptions& options,
                    std::uint64_t key = 0, std::uint64_t turn = 0, Random* random = nullptr) {
    return order(standings, options, key, turn, random).front();
}

TEST(Balance, NobodyIsLeftOut) {
    auto standings = engines(6);
    standings[0].health = Health::kDown;
    standings[1] = {Health::kPutAside, 900ms, 0, 0, {}, 1};
    standings[2] = {Health::kPutAside, 100ms, 5, 0, {}, 2};
    standings[3].priority = 2;
    standings[4].priority = 1;
    standings[5].health = Health::kDown;
    for (const auto& options : {kLeast, kRobin, kKeep})
        EXPECT_EQ(order(standings, options, 7, 3, nullptr),
                  (std::vector<std::uint16_t>{4, 3, 2, 1, 0, 5}));
    for (auto& one : standings)
        one.health = Health::kDown;
    EXPECT_EQ(order(standings, kKeep, 7, 0, nullptr).size(), 6U);
}

TEST(Balance, RoundRobinTakesTurnsAmongThoseThatAreWell) {
    auto standings = engines(4);
    standings[1].health = Health::kDown;
    std::vector<std::uint16_t> seen;
    for (std::uint64_t turn = 0; turn < 6; ++turn)
        seen.push_back(first(standings, kRobin, 0, turn));
    EXPECT_EQ(seen, (std::vector<std::uint16_t>{0, 2, 3, 0, 2, 3}));
}

TEST(Balance, FiguresCountOthersAndTheQueueTwice) {
    auto standings = engines(3);
    standings[0].figures = figures(3);
    standings[1].figures = figures(0, 2);
    standings[1].in_flight = 2;  // both wait
    standings[2].figures = figures(1);
    standings[2].in_flight = 1;
    EXPECT_EQ(load_of(standings[0], CompareBy::kFigures), 3);
    EXPECT_EQ(load_of(standings[1], CompareBy::kFigures), 4);
    EXPECT_EQ(order(standings, kLeast, 0, 0, nullptr), (std::vector<std::uint16_t>{2, 0, 1}));
}

TEST(Balance, ACrowdedCacheWeighsUpToDouble) {
    auto standings = engines(2);
    standings[0].figures = figures(4, 0, 0.99);
    standings[1].figures = figures(6, 0, 0.5);
    EXPECT_EQ(first(standings, kLeast), 1);
    standings[0].figures->kv_cache_usage = 0.7;
    EXPECT_EQ(first(standings, kLeast), 0);
    standings[0].figures->kv_cache_usage = 1.0;
    EXPECT_DOUBLE_EQ(load_of(standings[0], CompareBy::kFiguresAndCache), 8);
    standings[1].figures->kv_cache_usage.reset();
    EXPECT_EQ(first(standings, kLeast), 0) << "told by one only: not compared";
}

TEST(Balance, AMissingFigureIsNotZero) {
    auto standings = engines(2);
    standings[0].figures = figures(0);
    standings[0].in_flight = 3;
    standings[1].in_flight = 4;  // says nothing of itself; may be far busier than that
    EXPECT_EQ(first(standings, kLeast), 0);
    standings[0].figures = figures(50);
    EXPECT_EQ(first(standings, kLeast), 0) << "only what is known of both is compared";
    standings[1].figures = figures(0);
    EXPECT_EQ(first(standings, kLeast), 1);
}

TEST(Balance, OnlyThoseThatMayBeChosenNeedToTell) {
    auto standings = engines(4);
    EXPECT_FALSE(told_by_all(standings));
    standings[0].figures = standings[1].figures = figures(0);
    standings[2].priority = 1;
    standings[3].health = Health::kDown;
    EXPECT_TRUE(told_by_all(standings));
    standings[2].priority = -1;
    EXPECT_FALSE(told_by_all(standings));
    standings[2].priority = 0;
    EXPECT_FALSE(told_by_all(standings));
    EXPECT_FALSE(told_by_all({}));
}

TEST(Balance, TwoChoices) {
    // The better of two drawn from n: rank r of n (0 = least loaded) comes first with probability
    // 2(n-1-r) / (n(n-1)), the most loaded never.
    auto standings = engines(5);
    for (std::size_t i = 0; i < 5; ++i)
        standings[i].in_flight = static_cast<std::int64_t>(10 * i);
    Random random(42);
    std::array<int, 5> hits{};
    constexpr int kDraws = 20'000;
    for (int i = 0; i < kDraws; ++i)
        ++hits[first(standings, kLeast, 0, 0, &random)];
    EXPECT_EQ(hits[4], 0);
    for (std::size_t rank = 0; rank < 5; ++rank)
        EXPECT_NEAR(hits[rank], kDraws * 2.0 * static_cast<double>(4 - rank) / 20.0, kDraws * 0.02);
}

TEST(Balance, TwoChoicesSpreadsEqualLoadEvenly) {
    auto standings = engines(4);
    Random random(7);
    for (int i = 0; i < 4'000; ++i)
        ++standings[first(standings, kLeast, 0, 0, &random)].in_flight;
    for (const auto& one : standings)
        EXPECT_NEAR(static_cast<double>(one.in_flight), 1'000, 10);  // chance alone gives about 30
}

TEST(Balance, OfTwoTheLessLoadedAndOfEqualsEither) {
    auto standings = engines(2);
    Random random(3);
    int zero = 0;
    for (int i = 0; i < 1'000; ++i)
        zero += first(standings, kLeast, 0, 0, &random) == 0;
    EXPECT_NEAR(zero, 500, 80);
    standings[0].in_flight = 1;
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(first(standings, kLeast, 0, 0, &random), 1);
}

TEST(Balance, RendezvousSpreadsEvenly) {
    const auto standings = engines(5);
    std::array<int, 5> hits{};
    for (int i = 0; i < 20'000; ++i)
        ++hits[first(standings, kKeep, hash64("conversation " + std::to_string(i)))];
    for (const int count : hits)
        EXPECT_NEAR(count, 4'000, 250);
}

TEST(Balance, TakingOneEngineAwayMovesOnlyItsShare) {
    const auto all = engines(5);
    auto without = all;
    without[2].health = Health::kDown;
    int moved = 0;
    std::map<std::uint16_t, int> went;
    for (std::uint64_t i = 1; i <= 10'000; ++i) {
        const std::uint64_t key = hash64(std::to_string(i));
        const auto before = order(all, kKeep, key, 0, nullptr);
        const auto after = order(without, kKeep, key, 0, nullptr);
        if (before[0] != 2) {
            ASSERT_EQ(before[0], after[0]);
            continue;
        }
        ++moved;
        ASSERT_EQ(after[0], before[1]) << "where a failover would have gone";
        ++went[after[0]];
    }
    EXPECT_NEAR(moved, 2'000, 200);
    for (const auto& [engine, count] : went)
        EXPECT_NEAR(count, 500, 120) << engine;
}

TEST(Balance, AffinityIsGivenUpWhileHot) {
    auto standings = engines(3);
    const std::uint64_t key = hash64("a conversation");
    const auto preference = order(standings, kKeep, key, 0, nullptr);
    standings[preference[0]].in_flight = 3;
    EXPECT_EQ(first(standings, kKeep, key), preference[0]) << "three requests are not hot";
    standings[preference[0]].in_flight = 4;
    EXPECT_EQ(order(standings, kKeep, key, 0, nullptr),
              (std::vector<std::uint16_t>{preference[1], preference[2], preference[0]}));
    standings[preference[1]].in_flight = 3;
    standings[preference[2]].in_flight = 2;
    EXPECT_EQ(first(standings, kKeep, key), preference[0]) << "4 <= 1.5 x 3";
    // All busy alike: nobody is hot.
    for (auto& one : standings)
        one.in_flight = 100;
    EXPECT_EQ(order(standings, kKeep, key, 0, nullptr), preference);
}

TEST(Balance, HeatIsReadFromFiguresWhereAllTell) {
    auto standings = engines(2);
    const std::uint64_t key = hash64("another");
    const auto preference = order(standings, kKeep, key, 0, nullptr);
    standings[preference[0]].figures = figures(20);
    EXPECT_EQ(first(standings, kKeep, key), preference[0]) << "the other one does not tell";
    standings[preference[1]].figures = figures(0);
    EXPECT_EQ(first(standings, kKeep, key), preference[1]);
}

TEST(Balance, WithoutAKeyAffinityIsLeastLoaded) {
    auto standings = engines(2);
    standings[0].in_flight = 1;
    EXPECT_EQ(first(standings, kKeep, 0), 1);
}

}  // namespace
}  // namespace segue::engine
