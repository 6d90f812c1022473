#include "telemetry/observation_log.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "store/test_kit.hpp"

namespace segue::telemetry {
namespace {

using std::chrono::seconds;

RequestObservation seen(int n, std::string model, WallTime at) {
    RequestObservation one;
    one.id = fmt::format("r{}", n);
    one.at = at;
    one.model = std::move(model);
    one.engine = "vllm";
    one.status = 200;
    one.total_ms = n;
    one.first_token_ms = n / 2.0;
    one.tokens_in = 10;
    one.tokens_out = 3;
    return one;
}

void wait_written(const ObservationLog& log, std::uint64_t count) {
    for (int i = 0; i < 1000 && log.written() + log.dropped() < count; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST(ObservationLog, FiguresAreThoseOfWhatHappened) {
    SEGUE_NEEDS_DATABASE();
    store::TestStore store;
    const WallTime from{seconds(1'795'540'000)};
    {
        ObservationLog log(store.pool());
        for (int n = 1; n <= 101; ++n)
            log.push(seen(n, "a", from + seconds(n <= 50 ? 5 : 65)));
        auto left = seen(200, "b", from + seconds(1));
        left.status = 499;
        left.first_token_ms.reset();
        log.push(left);
        auto broken = seen(201, "b", from + seconds(1));
        broken.broken = true;
        log.push(broken);
        log.push(seen(300, "old", from - seconds(1)));
        wait_written(log, 104);
        ASSERT_EQ(log.written(), 104U);
        const auto by_model =
            log.traffic({from, from + seconds(120), seconds(60), TrafficBy::kModel});
        ASSERT_TRUE(by_model) << by_model.error().detail;
        ASSERT_EQ(by_model->size(), 2U);
        const auto& a = by_model->front();
        EXPECT_EQ(a.name, "a");
        EXPECT_EQ(a.summary.requests, 101);
        EXPECT_EQ(a.summary.errors, 0);
        EXPECT_EQ(a.summary.total_ms.p50, 51);
        EXPECT_EQ(a.summary.total_ms.p95, 96);
        EXPECT_EQ(a.summary.total_ms.p99, 100);
        EXPECT_EQ(a.summary.first_token_ms.p50, 25.5);
        EXPECT_EQ(a.summary.tokens_out, 303);
        ASSERT_EQ(a.points.size(), 2U);
        EXPECT_EQ(a.points[0].requests, 50);
        EXPECT_EQ(a.points[0].at, from);
        EXPECT_EQ(a.points[1].at, from + seconds(60));
        EXPECT_FALSE(a.points[0].total_ms.p99);  // fifty are too few for it
        const auto& b = by_model->back();
        EXPECT_EQ(b.summary.requests, 2);
        EXPECT_EQ(b.summary.errors, 1);  // who leaves is no error
        EXPECT_EQ(b.summary.first_token_ms.count, 1);
        const auto all = log.traffic({from, from + seconds(120), seconds(60), TrafficBy::kAll});
        ASSERT_TRUE(all);
        ASSERT_EQ(all->size(), 1U);
        EXPECT_EQ(all->front().summary.requests, 103);
    }
}

/// A batch that was kept, but whose answer was lost, is written again and there once.
TEST(ObservationLog, NoFailureCountsARequestTwice) {
    SEGUE_NEEDS_DATABASE();
    store::TestStore store;
    const WallTime from{seconds(1'795'540'000)};
    int count = 0;
    for (const auto trouble : {store::Trouble::kLostBefore, store::Trouble::kLostAfter}) {
        bool fired = true;
        for (int n = 1; fired; ++n) {
            store.faults().arm(n, trouble);
            ObservationLog log(store.pool());
            log.push(seen(++count, "a", from));
            log.stop();
            fired = store.faults().fired();
            store.faults().disarm();
            const auto rows = store.pool().one<std::int64_t>("SELECT count(*) FROM observation");
            EXPECT_EQ(std::get<0>(**rows), count) << "n = " << n;
        }
    }
}

TEST(WriteBehind, WhatDoesNotFitIsCountedAndWhatWaitsIsKept) {
    std::atomic<bool> away{true};
    std::atomic<int> kept{0};
    store::WriteBehind<int> queue(
        [&](std::span<const int> batch) -> Result<void> {
            if (away) return fail(Fault::kUnreachable, "the database is away");
            kept += static_cast<int>(batch.size());
            return {};
        },
        {.what = "numbers",
         .capacity = 10,
         .batch = 4,
         .gather = std::chrono::milliseconds(5),
         .retry = std::chrono::milliseconds(5)});
    for (int i = 0; i < 100; ++i)
        queue.push(i);
    EXPECT_GE(queue.dropped(), 80U);
    away = false;
    for (int i = 0; i < 500 && queue.waiting() > 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    queue.stop();
    EXPECT_EQ(static_cast<std::uint64_t>(kept) + queue.dropped(), 100U);
    EXPECT_FALSE(queue.push(1));
}

}  // namespace
}  // namespace segue::telemetry
