#include "llm/openai/engine/stop_matcher.hpp"

#include <gtest/gtest.h>

#include "llm/openai/engine/test_support.hpp"

namespace segue::llm {
namespace {

struct Matched {
    Events events;
    bool satisfied = false;
};

Matched match(std::vector<std::string> stops, const std::vector<std::string>& deltas) {
    const auto matcher = make_stop_matcher(std::move(stops));
    Matched matched;
    for (const std::string& delta : deltas) {
        Events in{Text{delta}};
        matcher->apply(in, matched.events);
    }
    Events end{Finished{}, Ended{}};
    matcher->apply(end, matched.events);
    matched.satisfied = matcher->satisfied();
    return matched;
}

TEST(StopMatcher, C37SpreadOverThreeDeltas) {
    const Matched matched = match({"XX", "END."}, {"one E", "N", "D. two"});
    const Answer answer = openai_engine::sum(matched.events);
    EXPECT_EQ(answer.first().text, "one ");
    EXPECT_EQ(answer.first().finished->stop_sequence, "END.");
    EXPECT_TRUE(matched.satisfied);
    for (const Event& event : matched.events) {
        if (const auto* text = std::get_if<Text>(&event)) {
            EXPECT_EQ(text->text.find('E'), std::string::npos);
        }
    }
}

TEST(StopMatcher, FalseAlarmsGoOutAtTheEnd) {
    const Matched matched = match({"END."}, {"EN", "EN", "D"});
    EXPECT_EQ(openai_engine::sum(matched.events).first().text, "ENEND");
    EXPECT_FALSE(matched.satisfied);
    EXPECT_TRUE(std::holds_alternative<Ended>(matched.events.back()));
}

TEST(StopMatcher, EarliestThenLongest) {
    EXPECT_EQ(openai_engine::sum(match({"b", "ab", "abc"}, {"xabc"}).events).first().text, "x");
}

TEST(StopMatcher, SameAtEverySplitPoint) {
    const std::string text = "aab aabb ▁stop▁ rest";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        const Answer answer = openai_engine::sum(
            match({"▁stop▁", "aabbb"}, {text.substr(0, cut), text.substr(cut)}).events);
        EXPECT_EQ(answer.first().text, "aab aabb ") << cut;
    }
}

TEST(StopMatcher, LogprobsStayWithTheirText) {
    const auto matcher = make_stop_matcher({"cd"});
    Events in{Logprobs{{{"a", -1, {}, {}}}, 0}, Text{"a"}, Logprobs{{{"c", -1, {}, {}}}, 0},
              Text{"c"}};
    Events out;
    matcher->apply(in, out);
    ASSERT_EQ(out.size(), 2U);
    Events more{Logprobs{{{"x", -1, {}, {}}}, 0}, Text{"x"}};
    matcher->apply(more, out);
    ASSERT_EQ(out.size(), 6U);
    EXPECT_TRUE(std::holds_alternative<Logprobs>(out[2]));
    EXPECT_EQ(std::get<Text>(out[3]).text, "c");
}

}  // namespace
}  // namespace segue::llm
