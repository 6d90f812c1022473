#include "rewrite/core/edit.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace segue::rewrite {
namespace {

TEST(Edit, ReplacesRangesAndKeepsTheRest) {
    std::vector<Edit> edits{{4, 7, "two", 0, 0}, {0, 3, "ONE", 0, 0}};
    EXPECT_TRUE(settle(13, edits).empty());
    EXPECT_EQ(apply_edits("one 222 three", edits), "ONE two three");
}

TEST(Edit, TheOuterOfTwoGroupsLosesWithAllItsEdits) {
    std::vector<Edit> edits{{0, 10, "x", 0, 1}, {2, 4, "y", 0, 2}, {11, 12, "z", 0, 1}};
    EXPECT_EQ(settle(13, edits), std::vector<std::size_t>{1});
    ASSERT_EQ(edits.size(), 1U);
    EXPECT_EQ(edits[0].text, "y");
}

TEST(Edit, IdenticalOnesAreOne) {
    std::vector<Edit> edits{{2, 4, "y", 0, 1}, {2, 4, "y", 0, 2}};
    EXPECT_TRUE(settle(5, edits).empty());
    EXPECT_EQ(edits.size(), 1U);
}

TEST(Edit, InsertionsAtOnePlaceKeepTheirOrder) {
    std::vector<Edit> edits{{1, 1, "a", 0, 1}, {1, 1, "b", 0, 2}, {1, 2, "c", 0, 3}};
    EXPECT_TRUE(settle(3, edits).empty());
    EXPECT_EQ(apply_edits("xyz", edits), "xabcz");
}

TEST(Edit, OutsideTheTextIsNoEdit) {
    std::vector<Edit> edits{{1, 9, "a", 0, 1}};
    EXPECT_EQ(settle(3, edits), std::vector<std::size_t>{1});
    EXPECT_TRUE(edits.empty());
}

TEST(Edit, LineEndsAreThoseOfThePlace) {
    std::vector<Edit> edits{{3, 3, "b\nc\n", 0, 0}};
    EXPECT_TRUE(settle(6, edits).empty());
    EXPECT_EQ(apply_edits("a\r\nd\r\n", edits), "a\r\nb\r\nc\r\nd\r\n");
    EXPECT_EQ(apply_edits("aa\nd\r\n", edits), "aa\nb\r\nc\r\nd\r\n");
}

TEST(Edit, PlacesMoveWithTheText) {
    const std::vector<Edit> edits{{0, 3, "longer", 0, 0}, {5, 5, "++", 0, 0}};
    EXPECT_EQ(moved(4, edits, "one two"), 7U);
    EXPECT_EQ(moved(6, edits, "one two"), 11U);
    EXPECT_EQ(moved(1, edits, "one two"), 0U);
}

/// Random edits that do not meet keep every other byte.
TEST(Edit, PropertyKeepsAllOtherBytes) {
    Random random(20261124);
    for (int round = 0; round < 400; ++round) {
        std::string text;
        const auto size = random.below(200);
        for (std::size_t i = 0; i < size; ++i)
            text += static_cast<char>(random.below(256));
        std::vector<Edit> edits;
        std::string expected;
        std::size_t at = 0;
        while (at < text.size()) {
            const auto keep = random.below(12);
            const auto next = std::min(text.size(), at + keep);
            expected.append(text, at, next - at);
            at = next;
            const auto cut = std::min<std::size_t>(text.size() - at, random.below(6));
            std::string put(random.below(5), 'x');  // no line ends: those are fitted
            expected += put;
            edits.push_back({at, at + cut, put, 0, edits.size()});
            at += std::max<std::size_t>(cut, 1);
            if (cut == 0 && at <= text.size()) expected.append(text, at - 1, 1);
        }
        // In any order.
        for (std::size_t i = edits.size(); i > 1; --i)
            std::swap(edits[i - 1], edits[random.below(i)]);
        EXPECT_TRUE(settle(text.size(), edits).empty());
        EXPECT_EQ(apply_edits(text, edits), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace segue::rewrite
