// Expected texts were printed by Go 1.26's encoding/json, time and encoding/base64 for the same
// inputs.
#include "llm/ollama/front/go_json.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "base/json.hpp"

namespace segue::llm {
namespace {

std::string outcome(std::string_view body) {
    const auto value = first_go_value(body);
    return value ? "ok:" + std::string(*value) : value.error().text;
}

TEST(GoJson, SyntaxErrorsReadAsGoWritesThem) {
    const std::pair<std::string, std::string> cases[] = {
        {"", "EOF"},
        {" \n", "EOF"},
        {"{", "unexpected EOF"},
        {"{\"a\": ", "unexpected EOF"},
        {"{\"a\":1", "unexpected EOF"},
        {"[", "unexpected EOF"},
        {"[1", "unexpected EOF"},
        {"[1,", "unexpected EOF"},
        {"[]x", "ok:[]"},
        {"{}{", "ok:{}"},
        {"nul", "unexpected EOF"},
        {"nulx", "invalid character 'x' in literal null (expecting 'l')"},
        {"tru ", "invalid character ' ' in literal true (expecting 'e')"},
        {"fals\n", "invalid character '\\n' in literal false (expecting 'e')"},
        {"x", "invalid character 'x' looking for beginning of value"},
        {"{x", "invalid character 'x' looking for beginning of object key string"},
        {"{\"a\" 1}", "invalid character '1' after object key"},
        {"{\"a\":1 2}", "invalid character '2' after object key:value pair"},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
        {"[1 2]", "invalid character '2' after array element"},
        {"[,]", "invalid character ',' looking for beginning of value"},
        {"[1,]", "invalid character ']' looking for beginning of value"},
        {"\"a\nb\"", "invalid character '\\n' in string literal"},
        {"\"\\q\"", "invalid character 'q' in string escape code"},
        {"\"\\u12G4\"", "invalid character 'G' in \\u hexadecimal character escape"},
        {"-", "unexpected EOF"},
        {"-x", "invalid character 'x' in numeric literal"},
        {"01", "ok:0"},
        {"1.", "unexpected EOF"},
        {"1.x", "invalid character 'x' after decimal point in numeric literal"},
        {"1e", "unexpected EOF"},
        {"1ex", "invalid character 'x' in exponent of numeric literal"},
        {"1e+x", "invalid character 'x' in exponent of numeric literal"},
        {"[1e5x]", "invalid character 'x' after array element"},
        {"\"\x01\"", "invalid character '\\x01' in string literal"},
        {"\xC3\xA9", "invalid character '\xC3\x83' looking for beginning of value"},
        {"\x80", "invalid character '\\u0080' looking for beginning of value"},
        {"\xA0", "invalid character '\\u00a0' looking for beginning of value"},
        {"\xAD", "invalid character '\\u00ad' looking for beginning of value"},
        {"'", "invalid character '\\'' looking for beginning of value"},
        {"\\", "invalid character '\\\\' looking for beginning of value"},
        {"{\"", "unexpected EOF"},
        {"{\"a\"", "unexpected EOF"},
        {"{'a':1}", "invalid character '\\'' looking for beginning of object key string"},
        {"\"abc", "unexpected EOF"},
        {"[01]", "invalid character '1' after array element"},
        {"\x7F", "invalid character '\\x7f' looking for beginning of value"},
        {"{,}", "invalid character ',' looking for beginning of object key string"},
        {"]", "invalid character ']' looking for beginning of value"},
        {"[}", "invalid character '}' looking for beginning of value"},
        {"{]", "invalid character ']' looking for beginning of object key string"},
        {"\"\\", "unexpected EOF"},
        {"\"\\u1", "unexpected EOF"},
        {"-0", "ok:-0"},
        {"{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"},
        {"\xEF\xBB\xBF{}", "invalid character '\xC3\xAF' looking for beginning of value"},
        {"[1.5.5]", "invalid character '.' after array element"},
        {"1x", "ok:1"},
        {"{\"a\":NaN}", "invalid character 'N' looking for beginning of value"},
        {" {\"a\" : [ { } , [ ] , \"\\u00e9\\n\" , -1.5e+3 ] } trailing",
         "ok:{\"a\" : [ { } , [ ] , \"\\u00e9\\n\" , -1.5e+3 ] }"},
    };
    for (const auto& [body, expected] : cases)
        EXPECT_EQ(outcome(body), expected) << body;
    EXPECT_TRUE(first_go_value("  ").error().empty);
    EXPECT_FALSE(first_go_value("{").error().empty);
}

TEST(GoJson, DeepNestingNeitherRecursesNorPasses) {
    EXPECT_EQ(outcome(std::string(10'001, '[')), "invalid character '[' exceeded max depth");
    EXPECT_EQ(outcome(std::string(10'000, '[')), "unexpected EOF");
    EXPECT_EQ(outcome(std::string(2'000'000, '[')), "invalid character '[' exceeded max depth");
}

TEST(GoJson, EveryCutOfAGoodBodyIsAnUnexpectedEnd) {
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"a\"\u00e9"}],"n":[1.5e-3,true,null]})";
    for (std::size_t cut = 1; cut < body.size(); ++cut)
        EXPECT_EQ(outcome(body.substr(0, cut)), "unexpected EOF") << cut;
    EXPECT_EQ(outcome(body), "ok:" + body);
}

TEST(GoDuration, ReadsAndRefusesAsGoDoes) {  // C46
    const auto text = [](std::string_view input) {
        const auto value = parse_go_duration(input);
        return value ? std::to_string(*value) : value.error();
    };
    EXPECT_EQ(text("soon"), "time: invalid duration \"soon\"");
    EXPECT_EQ(text("-1"), "time: missing unit in duration \"-1\"");
    EXPECT_EQ(text(""), "time: invalid duration \"\"");
    EXPECT_EQ(text("5x"), "time: unknown unit \"x\" in duration \"5x\"");
    EXPECT_EQ(text("1h 2m"), "time: unknown unit \"h \" in duration \"1h 2m\"");
    EXPECT_EQ(text(".s"), "time: invalid duration \".s\"");
    EXPECT_EQ(text("3000000h"), "time: invalid duration \"3000000h\"");
    EXPECT_EQ(text("9223372036854775808ns"), "time: invalid duration \"9223372036854775808ns\"");
    EXPECT_EQ(text("-9223372036854775808ns"), "-9223372036854775808");
    EXPECT_EQ(text("10m"), "600000000000");
    EXPECT_EQ(text("1h30m"), "5400000000000");
    EXPECT_EQ(text("-1m"), "-60000000000");
    EXPECT_EQ(text("0"), "0");
    EXPECT_EQ(text("0s"), "0");
    EXPECT_EQ(text("+5s"), "5000000000");
    EXPECT_EQ(text("1.5h"), "5400000000000");
    EXPECT_EQ(text(".5s"), "500000000");
    EXPECT_EQ(text("1\xC2\xB5s"), "1000");
    EXPECT_EQ(text("1.0000000000000000001h"), "3600000000000");
}

TEST(GoBase64, OffsetsAreGos) {  // C20
    const auto text = [](std::string_view input) {
        std::string data;
        return check_go_base64(input, data).value_or("ok:" + data);
    };
    const auto at = [](int offset) {
        return "illegal base64 data at input byte " + std::to_string(offset);
    };
    EXPECT_EQ(text("!"), at(0));
    EXPECT_EQ(text("abcd!"), at(4));
    EXPECT_EQ(text("abc"), at(0));
    EXPECT_EQ(text("a==="), at(1));
    EXPECT_EQ(text("abc=d"), at(4));
    EXPECT_EQ(text("===="), at(0));
    EXPECT_EQ(text("abcd="), at(4));
    EXPECT_EQ(text("ab="), at(3));
    EXPECT_EQ(text("YWJjYWI"), at(4));
    EXPECT_EQ(text("YW=J"), at(2));
    EXPECT_EQ(text("YW\nI="), "ok:ab");
    EXPECT_EQ(text("YWI=\n"), "ok:ab");
    EXPECT_EQ(text("YWJj"), "ok:abc");
    EXPECT_EQ(text(""), "ok:");
}

TEST(GoFloat, WritesShortestDigitsAsGoDoes) {
    std::string out;
    for (const double value : {-0.00008833798347041011, 1e-7, -1e-9, 1e21, 1e20, 0.0, 1.0, 0.1,
                               123456789.5, 1e-6, 1.5e-10, 1e100}) {
        append_go_float(value, out);
        out += ',';
    }
    EXPECT_EQ(out,
              "-0.00008833798347041011,1e-7,-1e-9,1e+21,100000000000000000000,0,1,0.1,123456789.5,"
              "0.000001,"
              "1.5e-10,1e+100,");
    out.clear();
    append_go_float(0.1F, out);
    EXPECT_EQ(out, "0.1");
}

TEST(GoQuote, EscapesAsStrconvDoes) {
    EXPECT_EQ(go_quote("a\"b\\\n\x01\xC3\xA9"), "\"a\\\"b\\\\\\n\\x01\xC3\xA9\"");
    EXPECT_EQ(go_quote("\"xml\""), R"("\"xml\"")");
}

}  // namespace
}  // namespace segue::llm
