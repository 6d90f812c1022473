#include "gateway/admission.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/ids.hpp"

namespace segue::gateway {
namespace {

using Limit = engine::AdmissionOptions::Limit;
using std::chrono::milliseconds;
using std::chrono::seconds;

engine::AdmissionOptions fixed(int limit, std::size_t queue = 10) {
    engine::AdmissionOptions options;
    options.limit = Limit::kFixed;
    options.fixed = limit;
    options.queue = queue;
    return options;
}

class Door : public testing::Test {
protected:
    std::shared_ptr<Admission> door(const engine::AdmissionOptions& options) {
        return std::make_shared<Admission>(options, clock_);
    }
    /// A request that waits; counts its wake-ups.
    struct Waiting {
        std::optional<Place> place;
        int woken = 0;
        std::optional<Slot> slot;
        std::optional<Place::Ended> ended;
        void take() {
            auto result = place->take();
            if (!result) return;
            if (auto* got = std::get_if<Slot>(&*result)) slot = std::move(*got);
            if (const auto* why = std::get_if<Place::Ended>(&*result)) ended = *why;
        }
    };
    std::unique_ptr<Waiting> wait(Admission& door, const std::string& key = "",
                                  Priority priority = Priority::kInteractive) {
        auto waiting = std::make_unique<Waiting>();
        auto entered = door.enter_or_wait(key, priority, [one = waiting.get()] { ++one->woken; });
        if (auto* place = std::get_if<Place>(&entered)) waiting->place = std::move(*place);
        if (auto* slot = std::get_if<Slot>(&entered)) waiting->slot = std::move(*slot);
        return waiting;
    }
    FakeClock clock_;
};

TEST_F(Door, LetsInWhatThereIsRoomFor) {
    const auto one = door(fixed(2));
    auto first = one->try_enter("");
    auto second = one->try_enter("");
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(one->try_enter(""));
    EXPECT_EQ(one->state().in_flight, 2);
    first->leave({});
    first.reset();  // gave back once
    EXPECT_EQ(one->state().in_flight, 1);
    EXPECT_TRUE(one->try_enter(""));
    second.reset();
    EXPECT_EQ(one->state().in_flight, 0);
}

TEST_F(Door, WhoeverWaitsIsWokenOnceWithASlot) {
    const auto one = door(fixed(1));
    auto slot = one->try_enter("");
    const auto a = wait(*one);
    const auto b = wait(*one);
    EXPECT_FALSE(a->slot);
    EXPECT_EQ(one->state().interactive, 2U);
    a->take();
    EXPECT_FALSE(a->slot) << "nobody made room";
    slot->leave({});
    EXPECT_EQ(a->woken, 1);
    EXPECT_EQ(b->woken, 0);
    EXPECT_FALSE(one->try_enter("")) << "the slot is a's, though a has not taken it yet";
    a->take();
    ASSERT_TRUE(a->slot);
    a->slot.reset();
    EXPECT_EQ(b->woken, 1);
}

TEST_F(Door, WhoeverLeavesTheQueueFreesItsPlace) {
    const auto one = door(fixed(1, 1));
    auto slot = one->try_enter("");
    auto a = wait(*one);
    EXPECT_FALSE(wait(*one)->place) << "the queue is full";
    a.reset();
    EXPECT_EQ(one->state().interactive, 0U);
    const auto b = wait(*one);
    ASSERT_TRUE(b->place);
    slot.reset();
    EXPECT_EQ(b->woken, 1);
}

TEST_F(Door, ASlotThatNobodyFetchedGoesToTheNext) {
    const auto one = door(fixed(1));
    auto slot = one->try_enter("");
    auto a = wait(*one);
    const auto b = wait(*one);
    slot.reset();
    EXPECT_EQ(a->woken, 1);
    a.reset();  // its client left before the wake-up was heard
    EXPECT_EQ(b->woken, 1);
    b->take();
    EXPECT_TRUE(b->slot);
    EXPECT_EQ(one->state().in_flight, 1);
}

TEST_F(Door, TheDisplacedAndTheExpiredAreTold) {
    auto options = fixed(1, 1);
    options.longest_wait = seconds(5);
    const auto one = door(options);
    auto slot = one->try_enter("");
    const auto batch = wait(*one, "", Priority::kBatch);
    const auto late = wait(*one);
    EXPECT_EQ(batch->woken, 1);
    batch->take();
    EXPECT_EQ(batch->ended, Place::Ended::kDisplaced);
    clock_.advance(seconds(5));
    slot.reset();
    late->take();
    EXPECT_EQ(late->ended, Place::Ended::kExpired);
    EXPECT_EQ(one->state().in_flight, 0) << "the slot that nobody could take is free";
    EXPECT_EQ(one->state().interactive, 0U);
}

TEST_F(Door, AGreaterLimitLetsThemInAtOnce) {
    const auto one = door(fixed(1));
    auto slot = one->try_enter("");
    const auto a = wait(*one);
    const auto b = wait(*one);
    const auto c = wait(*one);
    one->set_options(fixed(3));
    EXPECT_EQ(a->woken + b->woken, 2);
    EXPECT_EQ(c->woken, 0);
    one->set_options(fixed(1));
    slot.reset();
    EXPECT_EQ(c->woken, 0) << "two are under way yet";
    EXPECT_EQ(one->state().in_flight, 2);
}

TEST_F(Door, TheExpectedWaitFollowsWhatSlotsWereHeldFor) {
    const auto one = door(fixed(2));
    for (int i = 0; i < 100; ++i) {
        auto slot = one->try_enter("");
        clock_.advance(seconds(4));
        slot->leave({});
    }
    EXPECT_NEAR(std::chrono::duration<double>(one->expected_wait()).count(), 2, 0.01);
    auto first = one->try_enter("");
    auto second = one->try_enter("");
    const auto a = wait(*one);
    EXPECT_NEAR(std::chrono::duration<double>(one->expected_wait()).count(), 4, 0.02);
}

TEST_F(Door, KeysShareByWhatTheyUsed) {
    const auto one = door(fixed(1, 100));
    auto slot = one->try_enter("greedy");
    std::vector<std::unique_ptr<Waiting>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(wait(*one, "greedy"));
        all.push_back(wait(*one, "modest"));
    }
    std::map<bool, double> used;
    std::map<bool, int> served;
    slot->leave({false, 100});
    for (int turn = 0; turn < 20; ++turn)
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!all[i] || all[i]->woken == 0) continue;
            const bool greedy = i % 2 == 0;
            const double cost = greedy ? 1000 : 100;
            used[greedy] += cost;
            ++served[greedy];
            all[i]->take();
            auto mine = std::move(*all[i]->slot);
            all[i].reset();
            mine.leave({false, cost});
            break;
        }
    EXPECT_GE(served[false], 4 * served[true]) << "ten times cheaper ones go far more often";
}

TEST_F(Door, AnAdaptiveLimitLearnsFromOutcomes) {
    engine::AdmissionOptions options;
    options.limit = Limit::kAdaptive;
    options.most = 64;
    const auto one = door(options);
    EXPECT_TRUE(one->state().adaptive);
    const int start = one->state().limit;
    for (int round = 0; round < 100; ++round) {
        std::vector<Slot> slots;
        while (auto slot = one->try_enter(""))
            slots.push_back(std::move(*slot));
        clock_.advance(milliseconds(50));
        for (auto& slot : slots)
            slot.on_first_event();
        for (auto& slot : slots)
            slot.leave({false, 10});
    }
    EXPECT_GT(one->state().limit, start);
    EXPECT_EQ(one->state().baseline, milliseconds(50));
    const int before = one->state().limit;
    one->try_enter("")->leave({true, 0});
    EXPECT_LT(one->state().limit, before);
}

TEST_F(Door, TheTableKeepsDoorsOverAReload) {
    engine::EngineConfig limited;
    limited.name = "a";
    limited.admission = fixed(1);
    engine::EngineConfig free;
    free.name = "b";
    EXPECT_EQ(AdmissionTable::make({free}, nullptr, clock_), nullptr);
    const auto before = AdmissionTable::make({limited, free}, nullptr, clock_);
    EXPECT_FALSE(before->find("b"));
    auto slot = before->find("a")->try_enter("");
    limited.admission = fixed(2);
    const auto after = AdmissionTable::make({limited}, before.get(), clock_);
    EXPECT_EQ(after->find("a"), before->find("a"));
    EXPECT_EQ(after->find("a")->state().in_flight, 1);
    EXPECT_EQ(after->find("a")->state().limit, 2);
}

/// Many workers at once: never more than the limit inside, nobody forgotten in the queue.
TEST_F(Door, ThreadsLoseNothing) {
    constexpr int kThreads = 4;
    constexpr int kRounds = 3000;
    const auto one = door(fixed(3, 1000));
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> served{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            Random random(static_cast<std::uint64_t>(t) + 1);
            for (int i = 0; i < kRounds; ++i) {
                // Shared: a wake-up may still be on its way when this one has left the queue.
                const auto woken = std::make_shared<std::atomic<bool>>(false);
                auto entered = one->enter_or_wait("k" + std::to_string(t), Priority::kInteractive,
                                                  [woken] { woken->store(true); });
                Slot slot;
                if (auto* place = std::get_if<Place>(&entered)) {
                    if (random.below(8) == 0) continue;  // its client leaves
                    while (!woken->load())
                        std::this_thread::yield();
                    auto result = place->take();
                    ASSERT_TRUE(result);
                    slot = std::move(std::get<Slot>(*result));
                } else {
                    slot = std::move(std::get<Slot>(entered));
                }
                const int now = ++inside;
                int seen = most.load();
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                if (random.below(4) == 0) std::this_thread::yield();
                --inside;
                slot.leave({});
                ++served;
            }
        });
    threads.clear();
    EXPECT_LE(most.load(), 3);
    EXPECT_GT(served.load(), kThreads * kRounds / 2);
    EXPECT_EQ(one->state().in_flight, 0);
    EXPECT_EQ(one->state().interactive, 0U);
}

}  // namespace
}  // namespace segue::gateway
