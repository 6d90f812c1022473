#include "audit/workers.hpp"

#include <gtest/gtest.h>

namespace segue::audit {
namespace {

TEST(InParallel, CallsForEachOnce) {
    for (const unsigned threads : {0U, 1U, 7U}) {
        std::vector<int> calls(1'000, 0);
        in_parallel(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
        EXPECT_EQ(calls, std::vector<int>(1'000, 1)) << threads;
        in_parallel(0, threads, [&](std::size_t) { FAIL(); });
    }
}

TEST(InParallelFrom, DoesWhatItsWorkFinds) {
    for (const unsigned threads : {0U, 1U, 7U}) {
        std::vector<std::atomic<int>> calls(1'023);  // a tree: the children of i are 2i+1, 2i+2
        in_parallel_from(std::size_t{0}, threads, [&](std::size_t i, const auto& add) {
            ++calls[i];
            for (const auto child : {2 * i + 1, 2 * i + 2})
                if (child < calls.size()) add(child);
        });
        for (const auto& count : calls)
            EXPECT_EQ(count, 1) << threads;
    }
}

}  // namespace
}  // namespace segue::audit
