#include "chat/citations.hpp"

#include <gtest/gtest.h>

#include "chat/words.hpp"

namespace segue::chat {
namespace {

using Finding = Citation::Finding;

std::vector<Source> sources() {
    Source lunch;
    lunch.n = 1;
    lunch.title = "Handbook";
    lunch.text = "Lunch is served at noon in the canteen on the second floor.";
    Source segue;
    segue.n = 2;
    segue.heading = {"Getting started"};
    segue.text = "Set OLLAMA_HOST to the address of Segue, http://127.0.0.1:8484, and restart.";
    Source chinese;
    chinese.n = 3;
    chinese.text = "午餐在中午十二点于二楼食堂供应。";
    return {lunch, segue, chinese};
}

std::vector<Finding> findings(std::string_view text) {
    const auto all = sources();
    std::vector<Finding> out;
    for (const auto& citation : check_citations(text, all))
        out.push_back(citation.finding);
    return out;
}

using Findings = std::vector<Finding>;
constexpr auto kOk = Finding::kSupported;
constexpr auto kNone = Finding::kNoSuchSource;
constexpr auto kFar = Finding::kNotEnoughInCommon;

TEST(Citations, TheSentenceMustShareWordsWithItsPassage) {
    EXPECT_EQ(findings("Lunch is at noon. [1]"), Findings{kOk});
    EXPECT_EQ(findings("Lunch is at noon [1]."), Findings{kOk});
    EXPECT_EQ(findings("Lunch is at noon. [2]"), Findings{kFar});
    EXPECT_EQ(findings("Dinner costs nine euros. [1]"), Findings{kFar});
    EXPECT_EQ(findings("Lunch is at noon. [4]"), Findings{kNone});
    EXPECT_EQ(findings("Lunch is at noon. [0]"), Findings{kNone});
    EXPECT_EQ(findings("Point OLLAMA_HOST at Segue [2], and lunch is at noon [1]."),
              (Findings{kOk, kOk}));
    EXPECT_EQ(findings("午餐在中午供应。[3]"), Findings{kOk});
    EXPECT_EQ(findings("火车明天早上出发。[3]"), Findings{kFar});
}

TEST(Citations, AnEarlierSentenceDoesNotCount) {
    EXPECT_EQ(findings("Lunch is at noon. Trains leave every hour. [1]"), Findings{kFar});
    EXPECT_EQ(findings("- Trains leave every hour [1]\n- Lunch is at noon [1]"),
              (Findings{kFar, kOk}));
}

TEST(Citations, SeveralMarksOfOneSentence) {
    EXPECT_EQ(findings("Lunch is at noon [1][2]."), (Findings{kOk, kFar}));
    EXPECT_EQ(findings("Lunch is at noon [1] [2]."), (Findings{kOk, kFar}));
    EXPECT_EQ(findings("Lunch is at noon [1, 2, 9]."), (Findings{kOk, kFar, kNone}));
}

TEST(Citations, ASentenceThatSaysNothingBorrowsTheOneBefore) {
    EXPECT_EQ(findings("Is lunch at noon in the canteen? Yes. [1]"), Findings{kOk});
    EXPECT_EQ(findings("Yes. [1]"), Findings{kFar});
    EXPECT_EQ(findings("[1]"), Findings{kFar});
}

TEST(Citations, WhatIsNoMark) {
    for (const auto* text :
         {"array[1a]", "see [a]", "[1](https://example.org)", "[1]: https://example.org",
          "`list[1]` is code", "``a [1] `b` ``", "```\nlist[1] = lunch noon\n```", "~~~\n[1]\n~~~",
          "\\[1] escaped", "[]", "[1,]", "[,1]", "[1000000000000000000000]", "[1", "["})
        EXPECT_TRUE(check_citations(text, sources()).empty()) << text;
    EXPECT_EQ(findings("A lone ` tick, and lunch at noon [1]"), Findings{kOk});
    EXPECT_EQ(findings("```\n[2]\n```\nLunch is at noon [1]"), Findings{kOk});
}

TEST(Citations, PlacesAreUtf16) {
    const auto all = sources();
    const auto found = check_citations("Ä 😀 lunch at noon [1, 2]!", all);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].start, 19U);
    EXPECT_EQ(found[0].end, 25U);
    EXPECT_EQ(found[1].start, 19U);
}

TEST(Words, CarryMeaning) {
    const auto words = telling_words("The Points ARE pointing; Über 12 Äpfel, 2nd!");
    EXPECT_EQ(words, (std::vector<std::string>{"point", "12", "äpfel", "2nd"}));
    EXPECT_EQ(telling_words("二楼食堂").size(), 3U);
    EXPECT_TRUE(telling_words("\xff\xfe of the").empty());
}

}  // namespace
}  // namespace segue::chat
