#include "llm/relay/json_edit.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

TEST(ObjectEdit, ChangesNothingElse) {
    json::Parser parser;
    const auto root =
        parser.parse(" { \"a\" : 1.50,\n \"mo\\u0064el\": \"x\\\"y\" , \"c\":[1, 2] } ");
    ASSERT_TRUE(root);
    ObjectEdit untouched(*root);
    EXPECT_FALSE(untouched.changed());
    EXPECT_EQ(untouched.text(), root->raw());

    ObjectEdit edit(*root);
    EXPECT_TRUE(edit.replace("model", "\"z\""));
    EXPECT_FALSE(edit.replace("nope", "1"));
    edit.add("n", "2");
    EXPECT_EQ(edit.text(), "{ \"a\" : 1.50,\n \"mo\\u0064el\": \"z\" , \"c\":[1, 2],\"n\":2 }");
}

TEST(ObjectEdit, RemovesWhereverTheMemberStands) {
    json::Parser parser;
    const auto root = parser.parse("{ \"a\":1, \"b\":2, \"c\":3 }");
    ASSERT_TRUE(root);
    const auto without = [&](std::initializer_list<std::string_view> names) {
        ObjectEdit edit(*root);
        for (const std::string_view name : names)
            EXPECT_TRUE(edit.remove(name));
        return edit.text();
    };
    EXPECT_EQ(without({"a"}), "{ \"b\":2, \"c\":3 }");
    EXPECT_EQ(without({"b"}), "{ \"a\":1, \"c\":3 }");
    EXPECT_EQ(without({"c"}), "{ \"a\":1, \"b\":2 }");
    EXPECT_EQ(without({"a", "b"}), "{ \"c\":3 }");
    EXPECT_EQ(without({"a", "b", "c"}), "{ }");
    ObjectEdit edit(*root);
    edit.remove("a");
    edit.remove("b");
    edit.remove("c");
    edit.add("d", "4");
    EXPECT_EQ(edit.text(), "{\"d\":4 }");
}

TEST(ObjectEdit, RenamesAndSetsAndTakesEmptyOnes) {
    json::Parser parser;
    const auto root = parser.parse("{\"a\" : \"q\"}");
    ObjectEdit edit(*root);
    EXPECT_TRUE(edit.rename("a", "b"));
    edit.set("c", "null");
    EXPECT_EQ(edit.text(), "{\"b\" : \"q\",\"c\":null}");
    const auto empty = parser.parse("{}");
    ObjectEdit fill(*empty);
    fill.set("model", "\"m\"");
    EXPECT_EQ(fill.text(), "{\"model\":\"m\"}");
}

TEST(ArrayEdit, ReplacesAndRemoves) {
    json::Parser parser;
    const auto root = parser.parse("[ 1, \"\" ,3 ]");
    ArrayEdit edit(*root);
    edit.remove(1);
    edit.replace(2, "4");
    EXPECT_EQ(edit.text(), "[ 1 ,4 ]");
    ArrayEdit all(*root);
    for (std::size_t i = 0; i < 3; ++i)
        all.remove(i);
    EXPECT_EQ(all.text(), "[ ]");
}

}  // namespace
}  // namespace segue::llm
