#include "gateway/adaptive_limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <queue>

#include "base/ids.hpp"

namespace segue::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// An engine that answers `places` requests at a time and lets the others wait, first come, first
/// served; the first event comes 40 to 60 ms after a request has its place, the end 200 ms later on
/// the mean. Clients always want more than the limit allows.
class Simulation {
public:
    explicit Simulation(int places, AdaptiveLimit::Options options = {})
        : places_(places), limit_(options) {}

    /// Runs for `span` with at most `wanted` requests of clients at a time; the mean limit.
    double run(Duration span, std::int64_t wanted = 100'000) {
        const TimePoint end = clock_.now() + span;
        double area = 0;
        while (clock_.now() < end) {
            while (in_flight_ < std::min<std::int64_t>(limit_.limit(), wanted))
                send();
            const Event next = events_.top();
            events_.pop();
            area += std::chrono::duration<double>(next.at - clock_.now()).count() * limit_.limit();
            clock_.advance(next.at - clock_.now());
            finish(next);
        }
        return area / std::chrono::duration<double>(span).count();
    }
    void set_places(int places) {
        places_ = places;
        start();
    }
    AdaptiveLimit& limit() { return limit_; }
    TimePoint now() const { return clock_.now(); }

private:
    struct Event {
        TimePoint at;
        TimePoint sent;
        enum class What { kFirstEvent, kEnd } what;
        bool operator<(const Event& other) const { return at > other.at; }
    };
    void send() {
        ++in_flight_;
        waiting_.push_back(clock_.now());
        start();
    }
    void start() {
        for (; busy_ < places_ && !waiting_.empty(); ++busy_) {
            const TimePoint sent = waiting_.front();
            waiting_.pop_front();
            const auto first = milliseconds(40 + static_cast<int>(random_.below(20)));
            const auto rest =
                Duration(static_cast<Duration::rep>(-std::log(1 - random_.uniform()) * 200e6));
            events_.push({clock_.now() + first, sent, Event::What::kFirstEvent});
            events_.push({clock_.now() + first + rest, sent, Event::What::kEnd});
        }
    }
    void finish(const Event& event) {
        if (event.what == Event::What::kFirstEvent)
            return limit_.on_first_event(event.sent, in_flight_, clock_.now());
        --in_flight_;
        --busy_;
        start();
    }

    int places_;
    AdaptiveLimit limit_;
    FakeClock clock_;
    Random random_{7};
    std::int64_t in_flight_ = 0;
    int busy_ = 0;
    std::deque<TimePoint> waiting_;
    std::priority_queue<Event> events_;
};

TEST(AdaptiveLimit, FindsWhatAnEngineCanTake) {
    for (const int places : {4, 20, 60, 150}) {
        Simulation engine(places);
        engine.run(minutes(2));
        const double mean = engine.run(minutes(5));
        EXPECT_GT(mean, 0.8 * places) << places << ": the engine would stand idle";
        EXPECT_LT(mean, 1.8 * places) << places << ": requests would wait inside";
    }
}

TEST(AdaptiveLimit, FollowsAnEngineThatChanges) {
    Simulation engine(60);
    engine.run(minutes(2));
    engine.set_places(15);
    engine.run(minutes(1));
    EXPECT_LT(engine.run(minutes(2)), 30);
    engine.set_places(60);
    engine.run(minutes(1));
    EXPECT_GT(engine.run(minutes(2)), 45);
}

TEST(AdaptiveLimit, RequestsFromBeforeAChangeSayNothing) {
    FakeClock clock;
    AdaptiveLimit limit({1, 100});
    const TimePoint before = clock.now();
    clock.advance(seconds(1));
    limit.on_overload(clock.now());
    const int lowered = limit.limit();
    for (int i = 0; i < 100; ++i) {
        clock.advance(milliseconds(100));
        limit.on_first_event(before, lowered, clock.now());
    }
    EXPECT_EQ(limit.limit(), lowered);
    EXPECT_FALSE(limit.baseline());
}

TEST(AdaptiveLimit, DoesNotLearnALastingOverloadAsNormal) {
    Simulation engine(20);
    engine.run(minutes(60));
    EXPECT_LT(engine.run(minutes(20)), 36);
    ASSERT_TRUE(engine.limit().baseline());
    EXPECT_LT(*engine.limit().baseline(), milliseconds(120));
}

TEST(AdaptiveLimit, LearnsNothingFromLittleTraffic) {
    Simulation engine(60);
    engine.run(minutes(5), 3);
    EXPECT_EQ(engine.limit().limit(), 16) << "three at a time say nothing about seventeen";
}

TEST(AdaptiveLimit, StaysWithinItsBounds) {
    Simulation narrow(1, {3, 5});
    narrow.run(minutes(3));
    EXPECT_GE(narrow.limit().limit(), 3);
    EXPECT_LT(narrow.run(minutes(10)), 4);
    Simulation wide(1000, {3, 5});
    wide.run(minutes(3));
    EXPECT_EQ(wide.limit().limit(), 5);
    AdaptiveLimit nonsense({0, 0});
    EXPECT_EQ(nonsense.limit(), 1);
    FakeClock clock;
    for (int i = 0; i < 100; ++i) {
        clock.advance(seconds(2));
        nonsense.on_overload(clock.now());
    }
    EXPECT_EQ(nonsense.limit(), 1) << "never below one";
}

TEST(AdaptiveLimit, ARefusalOfTheEngineCountsOnceASecond) {
    FakeClock clock;
    AdaptiveLimit limit({1, 100});
    for (int i = 0; i < 50; ++i)
        limit.on_overload(clock.now());
    EXPECT_EQ(limit.limit(), 14);
    clock.advance(seconds(1));
    limit.on_overload(clock.now());
    EXPECT_EQ(limit.limit(), 12);
}

TEST(AdaptiveLimit, NoiseOfAFastEngineIsNoQueue) {
    FakeClock clock;
    AdaptiveLimit limit({1, 100});
    const auto window = [&](Duration first_event, std::int64_t in_flight) {
        for (int i = 0; i < 20; ++i) {
            clock.advance(milliseconds(60));
            limit.on_first_event(clock.now() - first_event, in_flight, clock.now());
        }
    };
    window(milliseconds(1), 1);
    window(milliseconds(8), limit.limit());  // eight times the baseline, yet nothing
    EXPECT_GT(limit.limit(), 16);
    const int before = limit.limit();
    window(milliseconds(12), limit.limit());
    EXPECT_LT(limit.limit(), before);
}

}  // namespace
}  // namespace segue::gateway
