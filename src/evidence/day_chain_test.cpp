#include "evidence/day_chain.hpp"

#include <gtest/gtest.h>

namespace segue::evidence {
namespace {

std::vector<CountedDay> ten_days() {
    std::vector<CountedDay> days;
    std::string before = "start";
    for (int i = 0; i < 10; ++i) {
        CountedDay day{"2026-03-0" + std::to_string(i), 100 + i, 0, i % 3, ""};
        if (i == 0) day.day = "2026-02-28";
        if (i < 8) before = day.seal = seal_of(before, day);
        days.push_back(day);
    }
    return days;
}

TEST(DayChain, IsWhole) {
    const auto found = check_days("start", ten_days());
    EXPECT_EQ(found.broken, std::nullopt);
    EXPECT_EQ(found.closed, 8U);
    EXPECT_EQ(check_days("", {}).broken, std::nullopt);
}

TEST(DayChain, EveryChangeIsSeen) {
    for (std::size_t i = 0; i < 8; ++i) {
        auto days = ten_days();
        ++days[i].ollama_engine;
        EXPECT_EQ(check_days("start", days).broken, days[i].day);
        days = ten_days();
        const auto after = days[i + 1].day;
        days.erase(days.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_EQ(check_days("start", days).broken, after) << "day " << i << " is taken out";
        days = ten_days();
        days[i].seal.clear();
        EXPECT_EQ(check_days("start", days).broken, days[i].day);
    }
    EXPECT_EQ(check_days("other", ten_days()).broken, "2026-02-28");
}

}  // namespace
}  // namespace segue::evidence
