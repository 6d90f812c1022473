#include "net/response_parser.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace segue::net {
namespace {

using Status = ResponseParser::Status;
using Body = ResponseParser::Body;

struct Seen {
    Status status = Status::kMore;
    int heads = 0;
    ResponseHead head;
    std::string body;
    int pieces = 0;
    std::string surplus;
    bool reusable = false;
    bool ends_at_close = false;
    std::string error;
};

Seen parse(const std::vector<std::string>& reads, Body rule = Body::kExpected,
           std::size_t limit = 64 * 1024) {
    ResponseParser parser(limit, rule);
    Seen seen;
    for (const std::string& read : reads) {
        if (seen.status != Status::kMore) {
            seen.surplus += read;
            continue;
        }
        const auto step = parser.feed(read);
        if (step.head) {
            ++seen.heads;
            seen.head = parser.head();
        }
        if (!step.body.empty()) ++seen.pieces;
        seen.body += step.body;
        seen.status = step.status;
        if (step.status == Status::kDone) seen.surplus += read.substr(step.consumed);
    }
    seen.reusable = seen.status == Status::kDone && parser.reusable();
    seen.ends_at_close = seen.status == Status::kMore && parser.finish();
    seen.error = parser.error();
    return seen;
}

/// Whole, cut at every point, and byte by byte.
void expect_everywhere(const std::string& input, Body rule,
                       const std::function<void(const Seen&)>& check) {
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        SCOPED_TRACE(cut);
        check(parse({input.substr(0, cut), input.substr(cut)}, rule));
        if (testing::Test::HasFailure()) return;
    }
    std::vector<std::string> bytes;
    for (const char c : input)
        bytes.emplace_back(1, c);
    SCOPED_TRACE("byte by byte");
    check(parse(bytes, rule));
}

TEST(ResponseParserTest, BodyWithLength) {
    const std::string input =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Empty:\r\nContent-Length: "
        "5\r\n\r\nhelloEXTRA";
    expect_everywhere(input, Body::kExpected, [](const Seen& seen) {
        EXPECT_EQ(seen.status, Status::kDone) << seen.error;
        EXPECT_EQ(seen.heads, 1);
        EXPECT_EQ(seen.head.status, 200);
        EXPECT_EQ(seen.head.reason, "OK");
        EXPECT_EQ(seen.head.headers.find("content-type"), "text/plain");
        EXPECT_EQ(seen.head.headers.find("x-empty"), "");
        EXPECT_EQ(seen.head.headers.size(), 3U);
        EXPECT_EQ(seen.body, "hello");
        EXPECT_EQ(seen.surplus, "EXTRA");
        EXPECT_TRUE(seen.reusable);
    });
}

TEST(ResponseParserTest, ChunkedWithExtensionAndTrailer) {
    const std::string input =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;a=b\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n0\r\nX-Trailer: 1\r\n\r\nHTTP/1.1";
    expect_everywhere(input, Body::kExpected, [](const Seen& seen) {
        EXPECT_EQ(seen.status, Status::kDone) << seen.error;
        EXPECT_EQ(seen.body, "abcdefgh");
        EXPECT_EQ(seen.head.headers.size(), 1U);
        EXPECT_EQ(seen.surplus, "HTTP/1.1");
        EXPECT_TRUE(seen.reusable);
    });
    EXPECT_EQ(parse({input}).pieces, 1) << "the chunks of one read arrive as one piece";
}

TEST(ResponseParserTest, BodyUntilClose) {
    expect_everywhere("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end", Body::kExpected,
                      [](const Seen& seen) {
                          EXPECT_EQ(seen.status, Status::kMore) << seen.error;
                          EXPECT_EQ(seen.body, "until the end");
                          EXPECT_TRUE(seen.ends_at_close);
                      });
}

TEST(ResponseParserTest, InterimAnswersAreSkipped) {
    const std::string input =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n";
    expect_everywhere(input, Body::kExpected, [](const Seen& seen) {
        EXPECT_EQ(seen.status, Status::kDone) << seen.error;
        EXPECT_EQ(seen.heads, 1);
        EXPECT_EQ(seen.head.status, 204);
        EXPECT_EQ(seen.head.reason, "No Content");
        EXPECT_EQ(seen.head.headers.size(), 1U);
        EXPECT_TRUE(seen.reusable);
    });
}

TEST(ResponseParserTest, NoBodyForHeadAnd304) {
    expect_everywhere("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", Body::kNone,
                      [](const Seen& seen) {
                          EXPECT_EQ(seen.status, Status::kDone) << seen.error;
                          EXPECT_EQ(seen.head.headers.find("content-length"), "99");
                          EXPECT_TRUE(seen.reusable);
                      });
    expect_everywhere("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Body::kNone,
                      [](const Seen& seen) { EXPECT_EQ(seen.status, Status::kDone); });
    expect_everywhere("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", Body::kExpected,
                      [](const Seen& seen) { EXPECT_EQ(seen.status, Status::kDone); });
    expect_everywhere("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Body::kExpected,
                      [](const Seen& seen) { EXPECT_EQ(seen.status, Status::kDone); });
}

TEST(ResponseParserTest, NotReusable) {
    for (const char* input : {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
                              "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
                              "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: "
                              "keep-alive\r\n\r\na"}) {
        expect_everywhere(input, Body::kExpected, [](const Seen& seen) {
            EXPECT_EQ(seen.status, Status::kDone) << seen.error;
            EXPECT_EQ(seen.body, "a");
            EXPECT_FALSE(seen.reusable);
        });
    }
}

TEST(ResponseParserTest, Refused) {
    for (const char* input : {
             "garbage that is not HTTP\r\n\r\n",
             "SSH-2.0-OpenSSH_9.2\r\n",
             "HTTP/2.0 200 OK\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
             "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
             "HTTP/1.1 099 Odd\r\n\r\n",
             "HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
         }) {
        SCOPED_TRACE(input);
        expect_everywhere(input, Body::kExpected, [](const Seen& seen) {
            EXPECT_EQ(seen.status, Status::kBad);
            EXPECT_FALSE(seen.error.empty());
        });
        if (HasFailure()) break;
    }
}

TEST(ResponseParserTest, HeadLimit) {
    const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(100, 'a') + "\r\n\r\n";
    EXPECT_EQ(parse({head + "body"}, Body::kExpected, head.size()).head.status, 200);
    const Seen large = parse({head + "body"}, Body::kExpected, head.size() - 1);
    EXPECT_EQ(large.status, Status::kBad);
    EXPECT_EQ(large.error, "head too large");
    std::string endless;
    for (int i = 0; i < 100; ++i)
        endless += "HTTP/1.1 100 Continue\r\n\r\n";
    EXPECT_EQ(parse({endless}, Body::kExpected, 1000).status, Status::kBad);
}

TEST(ResponseParserTest, CutAnswersAreNotWhole) {
    for (const std::string input :
         {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
          "HTTP/1.1 200 OK\r\nConte", "", "HTTP/1.1 100 Continue\r\n\r\n"}) {
        const Seen seen = parse({input});
        EXPECT_EQ(seen.status, Status::kMore);
        EXPECT_FALSE(seen.ends_at_close);
    }
}

}  // namespace
}  // namespace segue::net
