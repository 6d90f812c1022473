#include "base/crew.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace segue {
namespace {

TEST(Crew, RunsWhatIsSubmittedAndRefusesWhatIsTooMuch) {
    Crew crew({.threads = 2, .queue = 3});
    std::latch begun(2);
    std::latch go(1);
    std::atomic<int> done{0};
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(crew.submit([&] {
            begun.count_down();
            go.wait();
            ++done;
        }));
    begun.wait();  // both threads are busy: what comes now waits
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(crew.submit([&] { ++done; }));
    EXPECT_FALSE(crew.submit([&] { ++done; }));
    EXPECT_EQ(crew.waiting(), 3U);
    EXPECT_EQ(crew.refused(), 1U);
    go.count_down();
    while (done < 5)
        std::this_thread::yield();
    crew.stop();
    EXPECT_FALSE(crew.submit([] {}));
    EXPECT_EQ(done, 5);
}

TEST(Crew, StoppedDropsWhatWaitsAndFinishesWhatRuns) {
    Crew crew({.threads = 1, .queue = 8});
    std::latch begun(1);
    std::atomic<int> done{0};
    ASSERT_TRUE(crew.submit([&] {
        begun.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ++done;
    }));
    begun.wait();
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(crew.submit([&] { done += 100; }));
    crew.stop();
    EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace segue
