#include "net/http.hpp"

#include <gtest/gtest.h>

namespace segue::net {
namespace {

TEST(Headers, NamesAreComparedWithoutCase) {
    Headers headers{{"Content-Type", "a"}, {"X", "1"}, {"content-type", "b"}};
    EXPECT_EQ(headers.find("CONTENT-TYPE"), "a");
    EXPECT_FALSE(headers.find("Accept"));
    EXPECT_TRUE(headers.has("x"));
}

TEST(Headers, SetReplacesEveryEntryInPlace) {
    Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}};
    headers.set("a", "4");
    const auto entries = headers.entries();
    EXPECT_EQ(std::vector<Headers::Entry>(entries.begin(), entries.end()),
              (std::vector<Headers::Entry>{{"a", "4"}, {"B", "2"}}));
    headers.set("C", "5");
    EXPECT_EQ(headers.find("c"), "5");
    headers.remove("A");
    EXPECT_FALSE(headers.has("a"));
    EXPECT_EQ(headers.size(), 2U);
}

TEST(Headers, TokensOfAllEntries) {
    const Headers headers{{"Connection", "keep-alive, Upgrade"}, {"connection", " Close "}};
    EXPECT_TRUE(headers.has_token("Connection", "close"));
    EXPECT_TRUE(headers.has_token("Connection", "upgrade"));
    EXPECT_FALSE(headers.has_token("Connection", "keep"));
}

TEST(ReasonPhrase, KnownAndUnknown) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(404), "Not Found");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(599), "");
    EXPECT_EQ(reason_phrase(0), "");
}

TEST(ParseOrigin, Accepts) {
    struct Case {
        std::string_view text;
        std::string_view shown;
        std::uint16_t port;
    };
    for (const Case& c : {
             Case{"10.0.0.5:8000", "http://10.0.0.5:8000", 8000},
             Case{"gpu-1", "http://gpu-1:11434", 11434},
             Case{"http://host", "http://host", 80},
             Case{"HTTP://Host:80/", "http://host", 80},
             Case{"https://host", "https://host", 443},
             Case{"https://host:8443/base/", "https://host:8443/base", 8443},
             Case{"http://[::1]:8000/v1//", "http://[::1]:8000/v1", 8000},
             Case{"[::1]", "http://[::1]:11434", 11434},
             Case{" a_b.example:1/x/y ", "http://a_b.example:1/x/y", 1},
         }) {
        const auto origin = parse_origin(c.text, 11434);
        ASSERT_TRUE(origin) << c.text;
        EXPECT_EQ(origin->to_string(), c.shown);
        EXPECT_EQ(origin->port, c.port);
        EXPECT_EQ(parse_origin(origin->to_string(), 1), origin) << c.text;
    }
    EXPECT_EQ(parse_origin("[2001:DB8::1]:9", 1)->host, "2001:db8::1");
    EXPECT_EQ(parse_origin("[::1]:9", 1)->host_header(), "[::1]:9");
}

TEST(ParseOrigin, Refuses) {
    for (const std::string_view text : {"",
                                        "http://",
                                        "http:///x",
                                        "ftp://host",
                                        "unix:///x",
                                        "user@host",
                                        "http://user:pw@host/",
                                        "host:",
                                        "host:0",
                                        "host:65536",
                                        "host:-1",
                                        "host:80x",
                                        "::1",
                                        "::1:8000",
                                        "[::1",
                                        "[nope]:80",
                                        "[::1]80",
                                        "ho st",
                                        "host/a b",
                                        "http://host?x=1",
                                        "http://host/#f",
                                        "host\r\nx",
                                        "http://h/p@q"}) {
        EXPECT_FALSE(parse_origin(text, 80)) << text;
    }
}

}  // namespace
}  // namespace segue::net
