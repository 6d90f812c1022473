#include "net/loop.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>
#include <thread>

#include "net/timer_heap.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;

struct Pair {
    Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0); }
    ~Pair() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void put() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
    std::array<int, 2> ends{};
};

struct Calls final : Watcher {
    std::function<void(bool, bool)> action;
    int count = 0;
    void on_ready(bool readable, bool writable) override {
        ++count;
        if (action) action(readable, writable);
    }
};

class LoopTest : public testing::Test {
protected:
    std::unique_ptr<Loop> loop_ = Loop::open().value();
    void run_for(milliseconds time) {
        loop_->after(time, [this] { loop_->stop(); });
        loop_->run();
    }
};

TEST_F(LoopTest, TimersFireInOrderOfDeadline) {
    std::string order;
    loop_->after(milliseconds(6), [&] {
        order += 'c';
        loop_->stop();
    });
    loop_->after(milliseconds(1), [&] { order += 'a'; });
    loop_->after(milliseconds(3), [&] { order += 'b'; });
    TimerId cancelled = loop_->after(milliseconds(2), [&] { order += 'x'; });
    loop_->cancel(cancelled);
    EXPECT_FALSE(cancelled);
    loop_->run();
    EXPECT_EQ(order, "abc");
}

TEST_F(LoopTest, StaleTimerHandleIsHarmless) {
    int fired = 0;
    TimerId first = loop_->after(milliseconds(0), [&] {
        ++fired;
        loop_->stop();
    });
    loop_->run();
    loop_->after(milliseconds(0), [&] {  // takes the slot of the first
        ++fired;
        loop_->stop();
    });
    loop_->cancel(first);
    loop_->run();
    EXPECT_EQ(fired, 2);
}

TEST_F(LoopTest, TimerMayCancelAnotherThatIsDue) {
    int fired = 0;
    TimerId second;
    loop_->after(milliseconds(0), [&] { loop_->cancel(second); });
    second = loop_->after(milliseconds(0), [&] { ++fired; });
    std::this_thread::sleep_for(milliseconds(2));
    run_for(milliseconds(2));
    EXPECT_EQ(fired, 0);
}

TEST_F(LoopTest, TimerSetByATimerWaitsForTheNextRound) {
    int rounds = 0;
    std::function<void()> again = [&] {
        if (++rounds < 100) {
            loop_->after(Duration::zero(), again);
        } else {
            loop_->stop();
        }
    };
    again();
    loop_->run();
    EXPECT_EQ(rounds, 100);
}

TEST_F(LoopTest, WatcherIsToldUntilItReads) {
    Pair pair;
    Calls calls;
    loop_->watch(pair.ends[0], Ready::kRead, calls);
    calls.action = [&](bool readable, bool writable) {
        EXPECT_TRUE(readable);
        EXPECT_FALSE(writable);
        if (calls.count == 3) loop_->stop();
    };
    pair.put();
    loop_->run();
    EXPECT_EQ(calls.count, 3);
    loop_->unwatch(pair.ends[0]);
}

TEST_F(LoopTest, InterestChanges) {
    Pair pair;
    Calls calls;
    loop_->watch(pair.ends[0], Ready::kNone, calls);
    pair.put();
    run_for(milliseconds(2));
    EXPECT_EQ(calls.count, 0);
    calls.action = [&](bool readable, bool writable) {
        EXPECT_FALSE(readable);
        EXPECT_TRUE(writable);
        loop_->stop();
    };
    loop_->change(pair.ends[0], Ready::kWrite);
    loop_->run();
    calls.action = [&](bool readable, bool writable) {
        EXPECT_TRUE(readable && writable);
        loop_->stop();
    };
    loop_->change(pair.ends[0], Ready::kReadWrite);
    loop_->run();
    loop_->unwatch(pair.ends[0]);
}

TEST_F(LoopTest, HangUpIsToldOnceToAPausedWatcher) {
    Pair pair;
    Calls calls;
    loop_->watch(pair.ends[0], Ready::kNone, calls);
    ::close(std::exchange(pair.ends[1], ::dup(0)));
    run_for(milliseconds(5));
    EXPECT_EQ(calls.count, 1);
    loop_->change(pair.ends[0], Ready::kRead);
    run_for(milliseconds(2));
    EXPECT_GT(calls.count, 1);
    loop_->unwatch(pair.ends[0]);
}

TEST_F(LoopTest, WatchersMayTakeEachOtherAwayInOneRound) {
    Pair a;
    Pair b;
    auto first = std::make_unique<Calls>();
    auto second = std::make_unique<Calls>();
    int told = 0;
    const auto take_both = [&](bool, bool) {
        ++told;
        loop_->unwatch(a.ends[0]);
        loop_->unwatch(b.ends[0]);
        // Destroys the watcher that is being called, too: nothing of it is used after this line.
        const auto keep = std::move(first);
        const auto keep_too = std::move(second);
        loop_->stop();
    };
    first->action = take_both;
    second->action = take_both;
    loop_->watch(a.ends[0], Ready::kRead, *first);
    loop_->watch(b.ends[0], Ready::kRead, *second);
    a.put();
    b.put();
    loop_->run();
    EXPECT_EQ(told, 1);
}

TEST_F(LoopTest, DescriptorReusedInTheSameRoundGetsNoOldEvent) {
    Pair a;
    Pair b;
    Calls first;
    Calls second;
    Calls fresh;
    std::array<int, 2> ends = {a.ends[0], b.ends[0]};
    bool swapped = false;
    const auto swap_other = [&](int other) {
        if (std::exchange(swapped, true)) return;
        loop_->unwatch(other);
        loop_->watch(other, Ready::kWrite, fresh);  // the event at hand was "readable"
        loop_->stop();
    };
    first.action = [&](bool, bool) { swap_other(ends[1]); };
    second.action = [&](bool, bool) { swap_other(ends[0]); };
    loop_->watch(ends[0], Ready::kRead, first);
    loop_->watch(ends[1], Ready::kRead, second);
    a.put();
    b.put();
    loop_->run();
    EXPECT_EQ(first.count + second.count, 1);
    EXPECT_EQ(fresh.count, 0);
    loop_->unwatch(ends[0]);
    loop_->unwatch(ends[1]);
}

TEST_F(LoopTest, DeferredRunsAfterTheRoundAndBeforeWaiting) {
    std::string order;
    loop_->after(milliseconds(0), [&] {
        order += '1';
        loop_->defer([&] {
            order += '3';
            loop_->defer([&] {
                order += '4';
                loop_->stop();
            });
        });
        order += '2';
    });
    loop_->run();
    EXPECT_EQ(order, "1234");
}

TEST_F(LoopTest, PostedFromManyThreadsRunsInOrderOnTheLoop) {
    constexpr int kEach = 500;
    constexpr int kThreads = 4;
    std::array<int, kThreads> next{};
    int left = kEach * kThreads;
    const auto loop_thread = std::this_thread::get_id();
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                loop_->post([&, t, i] {
                    EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                    EXPECT_EQ(next[t]++, i);
                    if (--left == 0) loop_->stop();
                });
            }
        });
    }
    loop_->run();
    EXPECT_EQ(left, 0);
}

TEST_F(LoopTest, StopFromAnotherThreadAndRunAgain) {
    std::jthread stopper([&] { loop_->stop(); });
    loop_->run();
    stopper.join();
    int ran = 0;
    loop_->post([&] {
        ++ran;
        loop_->stop();
    });
    loop_->run();
    EXPECT_EQ(ran, 1);
}

TEST_F(LoopTest, TasksThatNeverRanAreDestroyedWithTheLoop) {
    auto token = std::make_shared<int>(1);
    loop_->post([token] {});
    loop_->defer([token] {});
    loop_->after(milliseconds(1), [token] {});
    loop_.reset();
    EXPECT_EQ(token.use_count(), 1);
}

TEST(TimerHeap, RandomAddsAndCancelsKeepTheOrder) {
    std::mt19937 random(7);
    TimerHeap heap;
    std::vector<std::pair<TimerId, int>> live;
    const TimePoint start{};
    int last = -1;
    int expected = 0;
    int fired = 0;
    for (int i = 0; i < 5000; ++i) {
        const int at = static_cast<int>(random() % 1000);
        live.emplace_back(heap.add(start + milliseconds(at),
                                   [&, at] {
                                       EXPECT_GE(at, last);
                                       last = at;
                                       ++fired;
                                   }),
                          at);
        ++expected;
        if (random() % 3 == 0) {
            const std::size_t victim = random() % live.size();
            expected -= heap.cancel(live[victim].first) ? 1 : 0;
        }
    }
    EXPECT_EQ(heap.size(), static_cast<std::size_t>(expected));
    while (auto action = heap.pop_due(start + milliseconds(1000), heap.mark()))
        action();
    EXPECT_EQ(fired, expected);
    EXPECT_FALSE(heap.next_deadline());
}

TEST(TimerHeap, CancelledOnesTakeNoMemoryForLong) {
    TimerHeap heap;
    const TimePoint start{};
    int fired = 0;
    heap.add(start + milliseconds(1), [&] { ++fired; });
    for (int i = 0; i < 100'000; ++i) {
        const TimerId timer = heap.add(start + std::chrono::minutes(1), [&] { ++fired; });
        EXPECT_TRUE(heap.cancel(timer));
        EXPECT_FALSE(heap.cancel(timer));
    }
    EXPECT_EQ(heap.size(), 1U);
    EXPECT_LT(heap.entries(), 200U);
    EXPECT_EQ(heap.next_deadline(), start + milliseconds(1));
    heap.pop_due(start + std::chrono::hours(1), heap.mark())();
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(heap.entries(), 0U);
    EXPECT_FALSE(heap.pop_due(start + std::chrono::hours(1), heap.mark()));
}

TEST(TimerHeap, TheFirstIsNeverACancelledOne) {
    TimerHeap heap;
    const TimePoint start{};
    const TimerId soon = heap.add(start + milliseconds(1), [] {});
    const TimerId next = heap.add(start + milliseconds(2), [] {});
    heap.add(start + milliseconds(3), [] {});
    heap.cancel(next);
    EXPECT_EQ(heap.next_deadline(), start + milliseconds(1));
    heap.cancel(soon);
    EXPECT_EQ(heap.next_deadline(), start + milliseconds(3));
}

}  // namespace
}  // namespace segue::net
