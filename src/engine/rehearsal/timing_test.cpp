#include "engine/rehearsal/timing.hpp"

#include <gtest/gtest.h>

#include "engine/rehearsal/faults.hpp"

namespace segue::engine::rehearsal {
namespace {

using std::chrono::milliseconds;

TEST(Pace, AddsThePromptAndSlowsUnderLoad) {
    TimingProfile profile;
    profile.ttft_ms = 100;
    profile.tokens_per_second = 50;
    profile.prefill_tokens_per_second = 1000;
    profile.slowdown = 0.5;
    Pace pace(profile, 1);
    EXPECT_EQ(milliseconds(300), pace.first_token(200, 1));
    EXPECT_EQ(milliseconds(20), pace.gap(1));
    EXPECT_EQ(milliseconds(40), pace.gap(3));
}

TEST(Pace, JitterIsTheSeedsAndStaysInItsBounds) {
    TimingProfile profile;
    profile.tokens_per_second = 100;
    profile.jitter = 0.2;
    Pace one(profile, 7);
    Pace same(profile, 7);
    bool varies = false;
    for (int i = 0; i < 100; ++i) {
        const Duration gap = one.gap(1);
        EXPECT_EQ(gap, same.gap(1));
        EXPECT_GE(gap, milliseconds(8));
        EXPECT_LE(gap, milliseconds(12));
        varies = varies || gap != milliseconds(10);
    }
    EXPECT_TRUE(varies);
}

TEST(Slots, ServeInOrderAndForgetWhoLeft) {
    Slots slots(1, 2);
    std::string log;
    const auto first = slots.enter([&] { log += 'a'; });
    const auto second = slots.enter([&] { log += 'b'; });
    const auto third = slots.enter([&] { log += 'c'; });
    EXPECT_EQ(0U, slots.enter([&] { log += 'd'; }));
    EXPECT_EQ("a", log);
    EXPECT_EQ(2U, slots.waiting());
    slots.leave(second);
    slots.leave(first);
    EXPECT_EQ("ac", log);
    slots.leave(third);
    EXPECT_EQ(0U, slots.running());
    EXPECT_EQ(0U, slots.waiting());
}

TEST(TimingProfile, RefusesUnknownAndNegative) {
    json::Parser parser;
    EXPECT_FALSE(read_timing_profile(*parser.parse(R"({"speed":1})")).has_value());
    EXPECT_FALSE(read_timing_profile(*parser.parse(R"({"ttft_ms":-1})")).has_value());
    const auto good = read_timing_profile(*parser.parse(R"({"ttft_ms":5,"slots":2})"));
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(2U, good->slots);
    EXPECT_EQ(60, good->tokens_per_second);
}

TEST(Faults, AreWrittenAsTheyAreRead) {
    json::Parser parser;
    const std::string text =
        R"({"error":{"status":503,"message":"m"},"retry_after":3,"stall_after":0,"end_after":4,)"
        R"("slow":{"first_ms":5,"gap_ms":2},"health":"failing","busy":true,"share":0.5,"only_first":9})";
    const auto set = read_fault_set(*parser.parse(text));
    ASSERT_TRUE(set.has_value()) << set.error().detail;
    EXPECT_EQ(text, write_fault_set(*set));
}

TEST(Faults, HitTheirShare) {
    FaultSet set;
    set.busy = true;
    set.share = 0.3;
    Faults faults(set, 1);
    int hits = 0;
    for (int i = 0; i < 1000; ++i)
        hits += faults.draw().busy ? 1 : 0;
    EXPECT_NEAR(300, hits, 50);
}

}  // namespace
}  // namespace segue::engine::rehearsal
