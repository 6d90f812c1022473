#include "gateway/key_meter.hpp"

#include <gtest/gtest.h>

namespace segue::gateway {
namespace {

using Limit = KeyMeter::Limit;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(TokenBucket, HoldsAMinuteAndFillsEvenly) {
    FakeClock clock;
    TokenBucket bucket(60, clock.now());
    for (int i = 0; i < 60; ++i)
        EXPECT_FALSE(bucket.take(1, clock.now())) << i;
    const auto wait = bucket.take(1, clock.now());
    ASSERT_TRUE(wait);
    EXPECT_NEAR(std::chrono::duration<double>(*wait).count(), 1.0, 1e-3);
    clock.advance(milliseconds(999));
    EXPECT_TRUE(bucket.take(1, clock.now()));
    clock.advance(milliseconds(1));
    EXPECT_FALSE(bucket.take(1, clock.now()));
    clock.advance(minutes(10));
    EXPECT_DOUBLE_EQ(bucket.level(clock.now()), 60) << "no more than a minute's worth is saved";
}

TEST(TokenBucket, WhatIsLargerThanItGoesWhenItIsFull) {
    FakeClock clock;
    TokenBucket bucket(10, clock.now());
    EXPECT_FALSE(bucket.take(25, clock.now()));
    EXPECT_DOUBLE_EQ(bucket.level(clock.now()), -15);
    const auto wait = bucket.take(1, clock.now());
    EXPECT_NEAR(std::chrono::duration<double>(wait.value()).count(), 16 * 6.0, 1e-3);
}

TEST(TokenBucket, AnEarlierTimeFillsNothing) {
    FakeClock clock;
    const TimePoint before = clock.now();
    clock.advance(minutes(1));
    TokenBucket bucket(60, clock.now());
    bucket.charge(30, clock.now());
    EXPECT_DOUBLE_EQ(bucket.level(before), 30);
    EXPECT_DOUBLE_EQ(bucket.level(clock.now()), 30);
}

class Meter : public testing::Test {
protected:
    std::shared_ptr<KeyMeter> meter(const KeyRules& rules) {
        return std::make_shared<KeyMeter>(rules, clock_.now());
    }
    FakeClock clock_;
};

TEST_F(Meter, RequestsAMinute) {
    KeyRules rules;
    rules.requests_per_minute = 2;
    const auto one = meter(rules);
    EXPECT_TRUE(one->begin(0, clock_.now()));
    EXPECT_TRUE(one->begin(0, clock_.now()));
    const auto refused = one->begin(0, clock_.now());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().limit, Limit::kRequests);
    EXPECT_NEAR(std::chrono::duration<double>(refused.error().wait).count(), 30, 1e-3);
    clock_.advance(seconds(30));
    EXPECT_TRUE(one->begin(0, clock_.now()));
}

TEST_F(Meter, StreamsEndWithTheirLease) {
    KeyRules rules;
    rules.streams = 1;
    const auto one = meter(rules);
    {
        auto lease = one->begin(0, clock_.now());
        ASSERT_TRUE(lease);
        EXPECT_EQ(one->begin(0, clock_.now()).error().limit, Limit::kStreams);
        lease->settle(5, clock_.now());
        EXPECT_EQ(one->under_way(), 0);
    }
    EXPECT_EQ(one->under_way(), 0) << "ended once";
    EXPECT_TRUE(one->begin(0, clock_.now()));
    EXPECT_EQ(one->under_way(), 0) << "a lease that is dropped ends too";
}

TEST_F(Meter, TokensAreChargedAsObserved) {
    KeyRules rules;
    rules.tokens_per_minute = 600;
    const auto one = meter(rules);
    auto lease = one->begin(400, clock_.now());  // guessed: 100
    ASSERT_TRUE(lease);
    lease->settle(900, clock_.now());  // 300 into debt
    const auto refused = one->begin(400, clock_.now());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().limit, Limit::kTokens);
    // Debt 300 and the key's mean, 900, which is more than the bucket: 600 is what must be there.
    EXPECT_NEAR(std::chrono::duration<double>(refused.error().wait).count(), 90, 0.1);
    clock_.advance(seconds(90));
    auto again = one->begin(400, clock_.now());
    ASSERT_TRUE(again);
    again->settle(0, clock_.now());  // the engine never answered: given back
    EXPECT_TRUE(one->begin(400, clock_.now()));
}

TEST_F(Meter, ARefusalForTokensCostsNoRequest) {
    KeyRules rules;
    rules.tokens_per_minute = 60;
    rules.requests_per_minute = 2;
    const auto one = meter(rules);
    auto first = one->begin(40, clock_.now());
    first->settle(120, clock_.now());
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(one->begin(0, clock_.now()).error().limit, Limit::kTokens);
}

TEST_F(Meter, NewRulesKeepWhatDidNotChange) {
    KeyRules rules;
    rules.requests_per_minute = 1;
    const auto one = meter(rules);
    EXPECT_TRUE(one->begin(0, clock_.now()));
    rules.streams = 5;
    one->set_rules(rules, clock_.now());
    EXPECT_FALSE(one->begin(0, clock_.now()));
    rules.requests_per_minute.reset();
    one->set_rules(rules, clock_.now());
    EXPECT_TRUE(one->begin(0, clock_.now()));
}

}  // namespace
}  // namespace segue::gateway
