#include "evidence/canonical_json.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

namespace segue::evidence {
namespace {

std::string made(std::string_view text) {
    const auto out = canonical_json(text);
    return out ? *out : "error: " + out.error().detail;
}

// RFC 8785, section 3.2.2 and 3.2.4.
TEST(CanonicalJson, TheExampleOfTheRfc) {
    EXPECT_EQ(
        made(R"({
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    })"),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

// RFC 8785, section 3.2.3: by UTF-16 units, so the emoji stands before U+FB33.
TEST(CanonicalJson, OrderOfNames) {
    EXPECT_EQ(
        made(
            R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
                      "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
                      "\u00f6":"Latin Small Letter O With Diaeresis"})"),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
        "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
        "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
        "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785, appendix B.
TEST(CanonicalJson, NumbersOfTheRfc) {
    struct Row {
        std::uint64_t bits;
        std::string_view text;
    };
    for (const Row& row : {Row{0x0000000000000000, "0"},
                           Row{0x8000000000000000, "0"},
                           Row{0x0000000000000001, "5e-324"},
                           Row{0x8000000000000001, "-5e-324"},
                           Row{0x7fefffffffffffff, "1.7976931348623157e+308"},
                           Row{0xffefffffffffffff, "-1.7976931348623157e+308"},
                           Row{0x4340000000000000, "9007199254740992"},
                           Row{0xc340000000000000, "-9007199254740992"},
                           Row{0x4430000000000000, "295147905179352830000"},
                           Row{0x44b52d02c7e14af5, "9.999999999999997e+22"},
                           Row{0x44b52d02c7e14af6, "1e+23"},
                           Row{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
                           Row{0x444b1ae4d6e2ef4e, "999999999999999700000"},
                           Row{0x444b1ae4d6e2ef4f, "999999999999999900000"},
                           Row{0x444b1ae4d6e2ef50, "1e+21"},
                           Row{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
                           Row{0x3eb0c6f7a0b5ed8d, "0.000001"},
                           Row{0x41b3de4355555553, "333333333.3333332"},
                           Row{0x41b3de4355555554, "333333333.33333325"},
                           Row{0x41b3de4355555555, "333333333.3333333"},
                           Row{0x41b3de4355555556, "333333333.3333334"},
                           Row{0x41b3de4355555557, "333333333.33333343"},
                           Row{0xbecbf647612f3696, "-0.0000033333333333333333"},
                           Row{0x43143ff3c1cb0959, "1424953923781206.2"}})
        EXPECT_EQ(ecmascript_number(std::bit_cast<double>(row.bits)), row.text);
}

TEST(CanonicalJson, IsItsOwnCanonicalForm) {
    const auto once = made(R"({"b":[1.50,{"z":null,"a":"\u0001x"}],"a":-0})");
    EXPECT_EQ(once, "{\"a\":0,\"b\":[1.5,{\"a\":\"\\u0001x\",\"z\":null}]}");
    EXPECT_EQ(made(once), once);
}

TEST(CanonicalJson, RefusesWhatIsAmbiguous) {
    EXPECT_EQ(made(R"({"a":1,"b":2,"a":3})"), "error: the member \"a\" is there twice");
    EXPECT_EQ(made("9007199254740992"), "9007199254740992");
    EXPECT_NE(made("9007199254740994").find("write it as text"), std::string::npos);
    // Found by the fuzzer: its canonical form is a whole number that would be refused.
    EXPECT_NE(made("222222222222222222222221.0e-7").find("write it as text"), std::string::npos);
    EXPECT_EQ(made("1e21"), "1e+21");
    EXPECT_NE(made("[1,").find("this is no JSON"), std::string::npos);
    EXPECT_NE(made("1e999").find("error"), std::string::npos);
    EXPECT_NE(made("\"\\ud800\"").find("error"), std::string::npos);
    EXPECT_NE(made("\"\xff\"").find("error"), std::string::npos);
    EXPECT_NE(made("").find("error"), std::string::npos);
}

}  // namespace
}  // namespace segue::evidence
