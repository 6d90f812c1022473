#include "engine/breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace segue::engine {
namespace {

using namespace std::chrono_literals;
using Kind = Breaker::Verdict::Kind;

const Breaker::Verdict kGood{Kind::kGood, {}, {}};
const Breaker::Verdict kNothing{};

Breaker::Verdict failed(EngineFault fault = EngineFault::kConnect, std::string detail = {}) {
    return {Kind::kFailed, fault, std::move(detail)};
}

class BreakerTest : public ::testing::Test {
protected:
    void make(BreakerOptions options) { breaker_ = std::make_unique<Breaker>(options); }
    void SetUp() override { make({}); }
    /// One request from beginning to end; it must be admitted.
    Breaker::Change ask(const Breaker::Verdict& verdict) {
        const auto pass = breaker_->enter(now());
        EXPECT_TRUE(pass);
        return pass ? breaker_->leave(*pass, now(), verdict) : Breaker::Change::kNone;
    }
    void eject() {
        for (int i = 0; i < 3; ++i)
            ask(failed());
        ASSERT_EQ(state(), "open");
    }
    TimePoint now() const { return clock_.now(); }
    std::string_view state() const { return state_name(breaker_->report(now()).state); }

    FakeClock clock_;
    std::unique_ptr<Breaker> breaker_;
};

TEST_F(BreakerTest, FailuresInARowEject) {
    EXPECT_EQ(ask(failed()), Breaker::Change::kNone);
    EXPECT_EQ(ask(failed()), Breaker::Change::kNone);
    EXPECT_EQ(state(), "closed");
    EXPECT_EQ(ask(failed(EngineFault::kStall, "nothing in 2 s")), Breaker::Change::kEjected);
    EXPECT_EQ(state(), "open");
    EXPECT_FALSE(breaker_->admits(now()));
    EXPECT_FALSE(breaker_->enter(now()));
    const auto report = breaker_->report(now());
    EXPECT_EQ(report.reason, "3 failures in a row, the last: stall (nothing in 2 s)");
    EXPECT_EQ(report.until_trial, Duration(1s));
    EXPECT_EQ(report.ejections, (std::array<std::uint64_t, 4>{0, 0, 1, 0}));
}

TEST_F(BreakerTest, ASuccessBreaksTheRow) {
    make({.failure_rate = 0});
    for (int i = 0; i < 4; ++i) {
        ask(failed());
        ask(failed());
        for (int good = 0; good < 3; ++good)
            ask(kGood);
    }
    EXPECT_EQ(state(), "closed");
}

TEST_F(BreakerTest, NoVerdictCountsForNothing) {
    ask(failed());
    ask(failed());
    for (int i = 0; i < 50; ++i)
        ask(kNothing);
    EXPECT_EQ(breaker_->report(now()).window_requests, 2U);
    EXPECT_EQ(breaker_->report(now()).failures_in_a_row, 2);
    EXPECT_EQ(ask(failed()), Breaker::Change::kEjected);
}

TEST_F(BreakerTest, AShareOfFailuresEjects) {
    make({.failures = 0, .failure_rate = 0.5, .min_requests = 10});
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(ask(kGood), Breaker::Change::kNone);
        EXPECT_EQ(ask(failed()), Breaker::Change::kNone) << "too few requests to tell";
    }
    ask(kGood);
    EXPECT_EQ(ask(failed(EngineFault::kServerError, "status 500")), Breaker::Change::kEjected);
    EXPECT_EQ(breaker_->report(now()).reason,
              "5 of 10 requests within 30 s failed, the last: server_error (status 500)");
}

TEST_F(BreakerTest, TheWindowSlides) {
    make({.failures = 0, .failure_rate = 0.5, .min_requests = 4, .window = 10s});
    for (int i = 0; i < 3; ++i)
        ask(failed());
    clock_.advance(11s);
    EXPECT_EQ(breaker_->report(now()).window_failures, 0U);
    for (int i = 0; i < 3; ++i)
        ask(kGood);
    EXPECT_EQ(ask(failed()), Breaker::Change::kNone);  // 1 of 4
    EXPECT_EQ(breaker_->report(now()).window_requests, 4U);
    clock_.advance(5s);
    EXPECT_EQ(breaker_->report(now()).window_requests, 4U);
    EXPECT_EQ(ask(failed()), Breaker::Change::kNone);     // 2 of 5
    EXPECT_EQ(ask(failed()), Breaker::Change::kEjected);  // 3 of 6
}

TEST_F(BreakerTest, ZeroSwitchesARuleOff) {
    make({.failures = 0, .failure_rate = 0});
    for (int i = 0; i < 200; ++i)
        ask(failed());
    EXPECT_EQ(state(), "closed");
}

TEST_F(BreakerTest, HalfOpenLetsABoundedNumberThrough) {
    eject();
    clock_.advance(999ms);
    EXPECT_FALSE(breaker_->admits(now()));
    clock_.advance(1ms);
    EXPECT_EQ(state(), "half_open");
    const auto first = breaker_->enter(now());
    const auto second = breaker_->enter(now());
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(first->trial && second->trial);
    EXPECT_FALSE(breaker_->enter(now()));
    EXPECT_EQ(breaker_->leave(*first, now(), kGood), Breaker::Change::kNone);
    EXPECT_FALSE(breaker_->enter(now())) << "what went well keeps its place";
    EXPECT_EQ(breaker_->leave(*second, now(), kGood), Breaker::Change::kClosed);
    EXPECT_EQ(state(), "closed");
    EXPECT_EQ(breaker_->report(now()).window_requests, 0U);
}

TEST_F(BreakerTest, ATrialWithoutVerdictGivesItsPlaceBack) {
    make({.trials = 1});
    eject();
    clock_.advance(1s);
    for (int i = 0; i < 5; ++i) {
        const auto pass = breaker_->enter(now());
        ASSERT_TRUE(pass);
        EXPECT_FALSE(breaker_->admits(now()));
        breaker_->leave(*pass, now(), kNothing);  // its client left
    }
    EXPECT_EQ(state(), "half_open");
    EXPECT_EQ(ask(kGood), Breaker::Change::kClosed);
}

TEST_F(BreakerTest, AFailedTrialDoublesTheTimeUpToTheBound) {
    eject();
    for (const auto expected : {2s, 4s, 8s, 16s, 30s, 30s, 30s}) {
        clock_.advance(breaker_->report(now()).until_trial);
        EXPECT_EQ(ask(failed(EngineFault::kBroken)), Breaker::Change::kEjected);
        EXPECT_EQ(breaker_->report(now()).until_trial, Duration(expected));
    }
    EXPECT_EQ(breaker_->report(now()).reason, "a trial request failed: broken");
}

TEST_F(BreakerTest, AnOldTroubleIsForgottenWindowByWindow) {
    eject();
    clock_.advance(1s);
    ask(failed());
    clock_.advance(2s);
    ask(failed());
    clock_.advance(4s);  // the next ejection would take 8 s
    ask(kGood);
    ask(kGood);
    ASSERT_EQ(state(), "closed");
    clock_.advance(65s);  // two windows well
    eject();
    EXPECT_EQ(breaker_->report(now()).until_trial, Duration(2s));
    clock_.advance(2s);
    ask(kGood);
    ask(kGood);
    clock_.advance(1h);
    eject();
    EXPECT_EQ(breaker_->report(now()).until_trial, Duration(1s));
}

TEST_F(BreakerTest, ComingAndGoingIsKeptOutLonger) {
    eject();
    for (const auto expected : {2s, 4s}) {
        clock_.advance(breaker_->report(now()).until_trial);
        ask(kGood);
        ask(kGood);
        ASSERT_EQ(state(), "closed");
        eject();
        EXPECT_EQ(breaker_->report(now()).until_trial, Duration(expected));
    }
}

TEST_F(BreakerTest, RequestsFromBeforeTheEjectionSayNothing) {
    std::vector<Breaker::Pass> old;
    for (int i = 0; i < 20; ++i)
        old.push_back(*breaker_->enter(now()));
    eject();
    for (int i = 0; i < 10; ++i)
        breaker_->leave(old[static_cast<std::size_t>(i)], now(), failed());
    EXPECT_EQ(breaker_->report(now()).until_trial, Duration(1s)) << "one outage, one ejection";
    clock_.advance(1s);
    const auto trial = breaker_->enter(now());
    ASSERT_TRUE(trial);
    for (std::size_t i = 10; i < 15; ++i)
        breaker_->leave(old[i], now(), failed());
    EXPECT_EQ(state(), "half_open");
    for (std::size_t i = 15; i < old.size(); ++i)
        breaker_->leave(old[i], now(), kGood);
    EXPECT_EQ(state(), "half_open")
        << "a stream that goes on does not prove that new ones can begin";
    EXPECT_TRUE(breaker_->enter(now()));
    EXPECT_FALSE(breaker_->enter(now())) << "old requests free no place";
}

TEST_F(BreakerTest, ForcedRequestsCountAsTrialsButDoNotProlong) {
    eject();
    for (int i = 0; i < 5; ++i)
        breaker_->leave(breaker_->force(), now(), failed());
    EXPECT_EQ(breaker_->report(now()).until_trial, Duration(1s));
    breaker_->leave(breaker_->force(), now(), kGood);
    EXPECT_EQ(state(), "half_open");
    EXPECT_EQ(breaker_->leave(breaker_->force(), now(), kGood), Breaker::Change::kClosed);
}

TEST_F(BreakerTest, ARestartOpensTheDoorAtOnce) {
    breaker_->restarted(now());
    EXPECT_EQ(state(), "closed");
    eject();
    breaker_->restarted(now());
    EXPECT_EQ(state(), "half_open");
    EXPECT_EQ(ask(failed()), Breaker::Change::kEjected);
    EXPECT_EQ(breaker_->report(now()).until_trial, Duration(2s));
}

}  // namespace
}  // namespace segue::engine
