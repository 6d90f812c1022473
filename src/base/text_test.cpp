#include "base/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace segue {
namespace {

TEST(Text, GlobMatches) {
    EXPECT_TRUE(glob_match("llama*", "llama3.1:8b"));
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("*:8b", "llama3.1:8b"));
    EXPECT_TRUE(glob_match("a*b*c", "aXbYbZc"));
    EXPECT_FALSE(glob_match("llama", "llama3"));
    EXPECT_FALSE(glob_match("*x", "y"));
}

TEST(Text, NearestFindsTyposOnly) {
    constexpr std::array<std::string_view, 3> kNames{"listen", "engines", "targets"};
    EXPECT_EQ(nearest("lisen", kNames), "listen");
    EXPECT_EQ(nearest("Engine", kNames), "engines");
    EXPECT_EQ(nearest("temperature", kNames), std::nullopt);
}

TEST(Text, Base64RoundTripsAndNamesTheBadByte) {
    for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        EXPECT_EQ(base64_decode(base64_encode(text)), text);
    }
    EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
    Base64Error error{};
    EXPECT_FALSE(base64_decode("!!!!", &error));
    EXPECT_EQ(error.offset, 0U);
    EXPECT_FALSE(base64_decode("Zm9v!", &error));
    EXPECT_EQ(error.offset, 4U);
    EXPECT_FALSE(base64_decode("Zg=", &error));
    EXPECT_FALSE(base64_decode("Zg==Zg==", &error));
}

TEST(Text, RepairsUtf8LikeABrowser) {
    EXPECT_EQ(replace_invalid_utf8("a\xE2\x82z"), "a\xEF\xBF\xBDz");
    EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_TRUE(is_valid_utf8("h\u00e9 \U0001F600"));
    EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
    EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));
}

TEST(Text, HashesAndDecodes) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(percent_decode("a%2Fb%3ac%"), "a/b:c%");
    EXPECT_EQ(replace_all("aXbX", "X", "--"), "a--b--");
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
}

TEST(Clock, WritesSixDigitsAndZulu) {
    FakeClock clock;
    EXPECT_EQ(rfc3339(clock.wall()), "2026-11-23T09:35:28.000000Z");
    clock.advance(std::chrono::microseconds(1'000'100));
    EXPECT_EQ(rfc3339(clock.wall()), "2026-11-23T09:35:29.000100Z");
    EXPECT_EQ(http_date(clock.wall()), "Mon, 23 Nov 2026 09:35:29 GMT");
}

TEST(Random, RepeatsBySeed) {
    Random a(7);
    Random b(7);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(a.next(), b.next());
    EXPECT_EQ(random_alphanumeric(24).size(), 24U);
    EXPECT_NE(random_hex(24), random_hex(24));
}

}  // namespace
}  // namespace segue
