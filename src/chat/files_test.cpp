#include "chat/files.hpp"

#include <gtest/gtest.h>

namespace segue::chat {
namespace {

std::vector<Source> passages(int count, const std::string& text) {
    std::vector<Source> out;
    for (int i = 0; i < count; ++i) {
        Source source;
        source.passage = std::to_string(i);
        source.text = text;
        out.push_back(source);
    }
    return out;
}

TEST(ChoosePassages, AllWhereTheyAreShort) {
    const auto chosen = choose_passages(passages(5, "some words"), "nothing alike", 1000);
    ASSERT_EQ(chosen.size(), 5U);
    EXPECT_EQ(chosen[4].n, 5);
    EXPECT_EQ(chosen[4].passage, "4");
}

TEST(ChoosePassages, ElseTheOnesThatHaveTheQuestionsWordsInTheirOrder) {
    auto all = passages(50, std::string(600, 'x') + " common");
    all[40].text = std::string(600, 'y') + " pomegranate common";
    all[20].text = std::string(600, 'z') + " pomegranate";
    const auto chosen = choose_passages(all, "common pomegranates?", 900);
    ASSERT_EQ(chosen.size(), 4U);
    const auto at = [&](std::size_t i) { return chosen[i].passage; };
    EXPECT_EQ(at(0), "0");
    EXPECT_EQ(at(1), "1");
    EXPECT_EQ(at(2), "20");
    EXPECT_EQ(at(3), "40");
    EXPECT_EQ(chosen[2].n, 3);
    EXPECT_TRUE(choose_passages(passages(1, std::string(90'000, 'x')), "x", 900).empty());
    EXPECT_TRUE(choose_passages({}, "x", 900).empty());
}

}  // namespace
}  // namespace segue::chat
