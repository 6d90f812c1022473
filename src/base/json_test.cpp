#include "base/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace segue::json {
namespace {

TEST(JsonParser, KeepsExactTextOfEveryValue) {
    Parser parser;
    const auto root = parser.parse(
        R"( {"a" : { "n" : 12345678901234567890 , "b":[1, 2.50 ,"x\u00e9"] } ,"c":null} )");
    ASSERT_TRUE(root) << root.error().reason;
    EXPECT_EQ((*root)["a"].raw(), R"({ "n" : 12345678901234567890 , "b":[1, 2.50 ,"x\u00e9"] })");
    EXPECT_EQ((*root)["a"]["n"].raw(), "12345678901234567890");
    EXPECT_EQ((*root)["a"]["b"].raw(), R"([1, 2.50 ,"x\u00e9"])");
    EXPECT_EQ((*root)["a"]["b"].at(1).raw(), "2.50");
    EXPECT_EQ((*root)["a"]["b"].at(2).string(), "x\u00e9");
    EXPECT_TRUE((*root)["c"].is_null());
    EXPECT_FALSE((*root)["nope"]["deeper"]);
    EXPECT_EQ(root->size(), 2U);
}

TEST(JsonParser, KeepsNumbersBeyond64Bits) {
    Parser parser;
    for (const char* text :
         {"123456789012345678901234567890", "[123456789012345678901234567890, 1]",
          R"({"n":-99999999999999999999999,"m":1})"}) {
        const auto root = parser.parse(text);
        ASSERT_TRUE(root) << text << ": " << root.error().reason;
        EXPECT_EQ(root->raw(), text);
    }
}

TEST(JsonParser, RefusesWhatIsNotJson) {
    Parser parser;
    for (const char* text :
         {"",    " ",          "{",           "[1,",      R"({"a":})", "nul",  "01",
          "1.",  "[1 2]",      R"("\ud800")", "\"\xff\"", "1e999",     "{} x", "[1e999]",
          "tru", R"({"a" 1})", "[,]",         "{,}",      "\"a\nb\"",  "+1",   "NaN",
          "]",   "}",          "[}",          "-"}) {
        EXPECT_FALSE(parser.parse(text)) << text;
    }
    EXPECT_TRUE(parser.parse("[]"));
    // Cut anywhere, or with anything behind a value, it is refused, and the place is inside.
    const std::string_view whole = R"( {"a\n" : [ 1 , "b" , { } , -2.5e3 , true ] , "c" : null } )";
    ASSERT_TRUE(parser.parse(whole));
    for (std::size_t cut = 0; cut + 2 < whole.size(); ++cut) {
        const auto read = parser.parse(whole.substr(0, cut));
        ASSERT_FALSE(read) << cut;
        EXPECT_LE(read.error().offset, cut);
    }
    for (const char* text : {R"("a"b)", R"({"a"b:1})", "[1]2", "1 2", "nullx", R"(["a" "b"])",
                             R"({"a":1 "b":2})", R"({"a":1,})", "[1,]", "{\"a\"}"})
        EXPECT_FALSE(parser.parse(text)) << text;
}

TEST(JsonParser, ReadsEveryEscape) {
    Parser parser;
    const auto root =
        parser.parse(R"({"\u0041\"\\\/\b\f\n\r\t":"x\u00e9\u20ac\ud83d\ude00y","plain":"z"})");
    ASSERT_TRUE(root) << root.error().reason;
    EXPECT_EQ((*root)["A\"\\/\b\f\n\r\t"].string(), "x\u00e9\u20ac\U0001F600y");
    EXPECT_EQ((*root)["plain"].string(), "z");
    for (const char* text : {R"("\x")", R"("\u12")", R"("\u12g4")", R"("\udc00")", R"("\ud800x")",
                             R"("\ud800\u0041")", R"("\ud800\n")", R"("\u+123")"})
        EXPECT_FALSE(parser.parse(text)) << text;
}

TEST(JsonParser, BoundsNesting) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    Parser parser;
    const auto root = parser.parse(deep);
    ASSERT_FALSE(root);
    EXPECT_EQ(root.error().kind, ParseError::Kind::kDepth);
    const std::string fine = std::string(400, '[') + std::string(400, ']');
    EXPECT_TRUE(parser.parse(fine));
}

TEST(JsonParser, LastDuplicateCountsAndCaseMayBeIgnored) {
    Parser parser;
    const auto root = parser.parse(R"({"a":1,"A":2,"a":3})");
    ASSERT_TRUE(root);
    EXPECT_EQ((*root)["a"].integer(), 3);
    EXPECT_EQ((*root)["A"].integer(), 2);
    EXPECT_EQ(root->find_ignoring_case("a").integer(), 3);
}

TEST(JsonParser, ReadsIntegers) {
    Parser parser;
    const auto root =
        parser.parse("[1, -2, 3.0, 3.5, 1e3, 9223372036854775807, 9223372036854775808]");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->at(0).integer(), 1);
    EXPECT_EQ(root->at(1).integer(), -2);
    EXPECT_EQ(root->at(2).integer(), 3);
    EXPECT_EQ(root->at(3).integer(), std::nullopt);
    EXPECT_EQ(root->at(4).integer(), 1000);
    EXPECT_EQ(root->at(5).integer(), 9223372036854775807);
    EXPECT_EQ(root->at(6).integer(), std::nullopt);
}

TEST(JsonWriter, EscapesAtEveryPlaceOfAText) {
    const std::vector<std::pair<std::string, std::string>> specials{
        {"\"", "\\\""},      {"\\", "\\\\"},           {"\n", "\\n"},
        {"\x1f", "\\u001f"}, {"\xc3\xa9", "\xc3\xa9"}, {"\xe2\x80\xa8", "\\u2028"},
        {"\x7f", "\x7f"}};
    for (std::size_t length = 0; length <= 20; ++length) {
        for (std::size_t at = 0; at <= length; ++at) {
            for (const auto& [raw, escaped] : specials) {
                const std::string before(at, ' ');
                const std::string after(length - at, '~');
                std::string out;
                json::append_escaped(before + raw + after, out);
                ASSERT_EQ(out, before + escaped + after);
            }
        }
    }
}

TEST(JsonWriter, EscapesWhatLineReadersSplitOn) {
    EXPECT_EQ(quoted("a\"\\\n\x01\xC2\x85\xE2\x80\xA8\xE2\x80\xA9é"),
              "\"a\\\"\\\\\\n\\u0001\\u0085\\u2028\\u2029é\"");
    EXPECT_EQ(quoted("a\xff\xC2\x85z"), "\"a\xEF\xBF\xBD\\u0085z\"");
    std::string out = "before";
    append_escaped("x\xff", out);
    EXPECT_EQ(out, "beforex\xEF\xBF\xBD");
}

TEST(JsonWriter, PlacesCommas) {
    const auto text = object([](Writer& w) {
        w.member("a", 1)
            .member("b", true)
            .key("c")
            .begin_array()
            .integer(1)
            .string("x")
            .end_array();
        w.key("d").begin_object().end_object().member_null("e").member("f", 0.1);
    });
    EXPECT_EQ(text, R"({"a":1,"b":true,"c":[1,"x"],"d":{},"e":null,"f":0.1})");
}

TEST(JsonText, RepairsWhatGoRepairs) {
    EXPECT_EQ(repair_text(R"("\ud800x")"), R"("\uFFFDx")");
    EXPECT_EQ(repair_text(R"("\ud83d\ude00")"), R"("\ud83d\ude00")");
    EXPECT_EQ(repair_text("\"\xff\""), "\"\xEF\xBF\xBD\"");
    EXPECT_EQ(repair_text(R"("\\ud800")"), R"("\\ud800")");
}

TEST(JsonText, Minifies) {
    EXPECT_EQ(minify("{ \"a b\" : [ 1.0 , \"x \\\" y\" ] }\n"), R"({"a b":[1.0,"x \" y"]})");
}

}  // namespace
}  // namespace segue::json
