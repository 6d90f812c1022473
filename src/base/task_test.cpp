#include "base/task.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

namespace segue {
namespace {

TEST(Task, CallsWhatItHoldsSmallOrLarge) {
    int calls = 0;
    Task small([&calls] { ++calls; });
    const std::array<int, 100> many{7};
    Task large([&calls, many] { calls += many[0]; });
    const std::function<void()> function = [&calls] { calls += 100; };
    Task copied(function);
    small();
    large();
    copied();
    function();
    EXPECT_EQ(calls, 208);
}

TEST(Task, HoldsWhatCannotBeCopiedAndLetsItGoOnce) {
    const auto shared = std::make_shared<int>(1);
    for (const bool large : {false, true}) {
        Task task;
        EXPECT_FALSE(task);
        if (large) {
            task = [own = std::make_unique<int>(2), shared, room = std::array<char, 200>{}] {};
        } else {
            task = [own = std::make_unique<int>(2), shared] {};
        }
        EXPECT_TRUE(task);
        EXPECT_EQ(shared.use_count(), 2);
        Task moved(std::move(task));
        EXPECT_FALSE(task);  // NOLINT(bugprone-use-after-move): empty is what it must be
        moved();
        EXPECT_EQ(shared.use_count(), 2);
        moved = Task();
        EXPECT_EQ(shared.use_count(), 1);
    }
}

TEST(Task, MayReplaceItselfInsideWhatItDestroys) {
    struct Last {
        explicit Last(Task& task) : task_(task) {}
        ~Last() {
            task_ = Task([] {});
        }
        Task& task_;
    };
    Task task;
    task = [last = std::make_unique<Last>(task)] {};
    task = Task();
}

}  // namespace
}  // namespace segue
