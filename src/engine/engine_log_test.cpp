#include "engine/engine_log.hpp"

#include <gtest/gtest.h>

namespace segue::engine {
namespace {

TEST(EngineLog, KeepsTheNewest) {
    EngineLog log;
    for (std::size_t i = 0; i < EngineLog::kMost + 5; ++i)
        log.note({EngineChange::Kind::kDown, TimePoint{}, std::to_string(i)});
    const auto newest = log.newest();
    ASSERT_EQ(newest.size(), EngineLog::kMost);
    EXPECT_EQ(newest.front().detail, std::to_string(EngineLog::kMost + 4));
    EXPECT_EQ(newest.back().detail, "5");
}

}  // namespace
}  // namespace segue::engine
