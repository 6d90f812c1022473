#include "gateway/fair_queue.hpp"

#include <gtest/gtest.h>

namespace segue::gateway {
namespace {

constexpr auto kInteractive = Priority::kInteractive;
constexpr auto kBatch = Priority::kBatch;

class Queue : public testing::Test {
protected:
    FairQueue::PushResult push(const std::string& key, Priority priority = kInteractive,
                               Duration deadline = std::chrono::hours(1)) {
        const auto result = queue_.push({++last_, key, priority, clock_.now() + deadline});
        if (result.pushed == FairQueue::Pushed::kQueued) keys_[last_] = key;
        return result;
    }
    /// Who is next, by key; "" = nobody.
    std::string pop(double cost = 1) {
        const auto popped = queue_.pop(cost, clock_.now());
        expired_ += popped.expired.size();
        return popped.next ? keys_.at(*popped.next) : "";
    }
    std::string order(int count, double cost = 1) {
        std::string out;
        for (int i = 0; i < count; ++i)
            out += pop(cost);
        return out;
    }
    FakeClock clock_;
    FairQueue queue_{100};
    FairQueue::Ticket last_ = 0;
    std::map<FairQueue::Ticket, std::string> keys_;
    std::size_t expired_ = 0;
};

TEST_F(Queue, OneKeyIsFirstComeFirstServed) {
    for (int i = 0; i < 5; ++i)
        push("a");
    for (FairQueue::Ticket i = 1; i <= 5; ++i)
        EXPECT_EQ(queue_.pop(1, clock_.now()).next, i);
    EXPECT_EQ(pop(), "");
}

TEST_F(Queue, KeysTakeTurnsHoweverManyEachHas) {
    for (int i = 0; i < 6; ++i)
        push("a");
    push("b");
    push("b");
    push("c");
    EXPECT_EQ(order(9), "abcabaaaa");
}

TEST_F(Queue, WhoUsedMoreWaitsLonger) {
    for (int i = 0; i < 6; ++i) {
        push("a");
        push("b");
    }
    // Each request of a turns out to cost three times as much.
    std::string out;
    for (int i = 0; i < 8; ++i) {
        out += pop();
        if (out.back() == 'a') queue_.charge("a", 2);
    }
    EXPECT_EQ(std::count(out.begin(), out.end(), 'a'), 2);
    EXPECT_EQ(std::count(out.begin(), out.end(), 'b'), 6);
}

TEST_F(Queue, APauseSavesNothing) {
    for (int i = 0; i < 20; ++i)
        push("a");
    EXPECT_EQ(order(10), "aaaaaaaaaa");
    for (int i = 0; i < 10; ++i)
        push("b");
    EXPECT_EQ(order(6).find("bbb"), std::string::npos);
}

TEST_F(Queue, ADebtOutlivesAnEmptyLane) {
    push("a");
    push("b");
    push("b");
    EXPECT_EQ(pop(10), "a");  // very dear; a has nothing more for the moment
    push("a");
    EXPECT_EQ(order(3), "bba");
}

TEST_F(Queue, InteractiveBeforeBatch) {
    push("a", kBatch);
    push("b", kBatch);
    push("a");
    push("c");
    EXPECT_EQ(queue_.size(kBatch), 2U);
    EXPECT_EQ(order(4), "acba") << "a was served already when b's turn comes";
}

TEST_F(Queue, ThoseWhoseTimeIsOverAreMetOnTheWay) {
    push("a", kInteractive, std::chrono::seconds(1));
    push("b", kInteractive, std::chrono::seconds(1));
    push("c");
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(pop(), "c");
    EXPECT_EQ(expired_, 2U);
    EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(Queue, LeavingIsPossibleOnce) {
    push("a");
    push("a");
    EXPECT_TRUE(queue_.erase(1));
    EXPECT_FALSE(queue_.erase(1));
    EXPECT_FALSE(queue_.erase(99));
    EXPECT_EQ(queue_.pop(1, clock_.now()).next, 2U);
}

TEST_F(Queue, AFullQueueRefuses) {
    queue_.set_capacity(2);
    push("a");
    push("a");
    const auto third = push("a");
    EXPECT_EQ(third.pushed, FairQueue::Pushed::kFull);
    EXPECT_FALSE(third.displaced);
    EXPECT_EQ(FairQueue(0).push({1, "b", kInteractive, {}}).pushed, FairQueue::Pushed::kFull);
}

TEST_F(Queue, NobodyFillsItAlone) {
    queue_.set_capacity(4);
    for (int i = 0; i < 4; ++i)
        push("a");
    EXPECT_EQ(push("b").displaced, 4U);  // a's newest
    EXPECT_EQ(push("b").displaced, 3U);
    EXPECT_EQ(push("b").pushed, FairQueue::Pushed::kFull);  // two and two
    EXPECT_EQ(push("c").displaced, 2U);
    EXPECT_EQ(order(4), "abcb");
}

TEST_F(Queue, InteractiveDisplacesBatchNeverTheOtherWay) {
    queue_.set_capacity(2);
    push("a", kBatch);
    push("a");
    EXPECT_EQ(push("a").displaced, 1U);  // even one's own
    EXPECT_EQ(push("b", kBatch).pushed, FairQueue::Pushed::kFull);
    EXPECT_EQ(queue_.size(kInteractive), 2U);
}

TEST_F(Queue, WhoIsGoneIsForgotten) {
    for (int i = 0; i < 50; ++i)
        push("k" + std::to_string(i));
    EXPECT_NE(order(50), "");
    queue_.charge("k1", 1000);  // nobody waits: the race is over, debts too
    push("k1");
    push("k2");
    EXPECT_EQ(order(2), "k1k2");
}

}  // namespace
}  // namespace segue::gateway
