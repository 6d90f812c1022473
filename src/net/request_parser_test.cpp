#include "net/request_parser.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace segue::net {
namespace {

// Writes down everything the parser says, with joined bodies: pieces depend on how the bytes were
// cut.
class Transcript final : public RequestParser::Sink {
public:
    RequestParser::Next on_head(ParsedHead head) override {
        text +=
            fmt::format("{} {} [{}] 1.{}{}{}", head.request.method, head.request.path,
                        head.request.query, head.request.version_minor,
                        head.keep_alive ? "" : " close", head.expects_continue ? " expect" : "");
        text += head.content_length ? fmt::format(" {}", *head.content_length) : " chunked";
        for (const auto& [name, value] : head.request.headers.entries())
            text += fmt::format(" {}={}", name, value);
        text += " <";
        return RequestParser::Next::kGoOn;
    }
    RequestParser::Next on_body(std::string_view bytes) override {
        text += bytes;
        return RequestParser::Next::kGoOn;
    }
    RequestParser::Next on_request_end() override {
        text += "> ";
        return RequestParser::Next::kGoOn;
    }
    std::string text;
};

ServerLimits small_limits() {
    ServerLimits limits;
    limits.max_header_bytes = 200;
    limits.max_headers = 4;
    limits.max_body_bytes = 20;
    return limits;
}

class Reader {
public:
    explicit Reader(const ServerLimits& limits) : parser_(limits) {}
    void feed(std::string_view bytes) {
        while (!bytes.empty() && parser_.state() != RequestParser::State::kRefused) {
            bytes.remove_prefix(parser_.feed(bytes, out_));
            if (parser_.state() == RequestParser::State::kEnd) parser_.next();
        }
    }
    std::string text() const {
        if (parser_.state() != RequestParser::State::kRefused) return out_.text;
        return out_.text + fmt::format("!{} {}", parser_.error().status, parser_.error().message);
    }
    int status() const {
        return parser_.state() == RequestParser::State::kRefused ? parser_.error().status : 0;
    }

private:
    RequestParser parser_;
    Transcript out_;
};

struct Outcome {
    std::string text;
    int refused;
};

// Reads the input whole, at every split into two, and byte by byte; all must agree.
Outcome read(std::string_view input) {
    const ServerLimits limits = small_limits();
    Reader whole(limits);
    whole.feed(input);
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        Reader split(limits);
        split.feed(input.substr(0, cut));
        split.feed(input.substr(cut));
        EXPECT_EQ(split.text(), whole.text()) << "cut at " << cut << " of " << input;
    }
    Reader slow(limits);
    for (std::size_t i = 0; i < input.size(); ++i)
        slow.feed(input.substr(i, 1));
    EXPECT_EQ(slow.text(), whole.text()) << input;
    return {whole.text(), whole.status()};
}

std::string parse(std::string_view input) {
    return read(input).text;
}

TEST(RequestParser, PlainRequests) {
    EXPECT_EQ(parse("GET /api/tags?x=1&y HTTP/1.1\r\nHost: a\r\n\r\n"),
              "GET /api/tags [x=1&y] 1.1 0 Host=a <> ");
    EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n"), "GET / [] 1.0 close 0 <> ");
    EXPECT_EQ(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              "GET / [] 1.0 0 Connection=keep-alive <> ");
    EXPECT_EQ(
        parse("POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"),
        "POST /a [] 1.1 close 3 Host=a Connection=close Content-Length=3 <abc> ");
    EXPECT_EQ(parse("GET /%20 HTTP/1.1\r\nhOST:\t a \t\r\nX:\r\n\r\n"),
              "GET /%20 [] 1.1 0 hOST=a X= <> ");
    EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS * [] 1.1 0 Host=a <> ");
    EXPECT_EQ(parse("GET http://h:1/p?q HTTP/1.1\r\nHost: h:1\r\n\r\n"),
              "GET /p [q] 1.1 0 Host=h:1 <> ");
    EXPECT_EQ(parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"), "GET / [] 1.1 0 Host=h <> ");
}

TEST(RequestParser, PipelinedWithEmptyLinesBetween) {
    EXPECT_EQ(
        parse("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\n"
              "GET /b HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\nHEAD /c HTTP/1.1\r\nHost: a\r\n\r\n"),
        "POST /a [] 1.1 2 Host=a Content-Length=2 <hi> GET /b [] 1.1 0 Host=a <> "
        "HEAD /c [] 1.1 0 Host=a <> ");
}

TEST(RequestParser, ChunkedWithExtensionsAndTrailers) {
    EXPECT_EQ(parse("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                    "3;name=value;x=\"q;\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n"
                    "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
              "POST /a [] 1.1 chunked Host=a Transfer-Encoding=Chunked <abc0123456789> "
              "GET /b [] 1.1 0 Host=a <> ");
}

TEST(RequestParser, UpgradeIsIgnored) {
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                    "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
              "GET / [] 1.1 0 Host=a Connection=Upgrade Upgrade=h2c <> GET /b [] 1.1 0 Host=a <> ");
    EXPECT_EQ(parse("POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHost: "
                    "a\r\nContent-Length: 2\r\n\r\nab"),
              "POST / [] 1.1 2 Connection=Upgrade Upgrade=h2c Host=a Content-Length=2 <ab> ");
}

TEST(RequestParser, Expect) {
    EXPECT_EQ(
        parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
        "POST / [] 1.1 expect 1 Host=a Expect=100-Continue Content-Length=1 <x> ");
    EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
              "POST / [] 1.1 0 Host=a Expect=100-continue <> ");
    EXPECT_EQ(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
              "POST / [] 1.0 close 1 Expect=100-continue Content-Length=1 <x> ");
    EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n"),
              "!417 unknown expectation \"x\"");
}

TEST(RequestParser, RefusesWhatIsAmbiguous) {
    const std::string start = "POST /p HTTP/1.1\r\nHost: a\r\n";
    for (const std::string_view rest : {
             "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
             "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
             "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
             "Content-Length: 3, 3\r\n\r\nabc",
             "Content-Length: +3\r\n\r\nabc",
             "Content-Length: -3\r\n\r\nabc",
             "Content-Length: 0x3\r\n\r\nabc",
             "Content-Length: 3 3\r\n\r\nabc",
             "Content-Length:\r\n\r\n",
             "Content-Length: 99999999999999999999999\r\n\r\n",
             "Content-Length : 3\r\n\r\nabc",
             "X: a\r\n folded\r\n\r\n",
             "X: a\r\n\tfolded\r\n\r\n",
             "X : a\r\n\r\n",
             "X\t: a\r\n\r\n",
             " X: a\r\n\r\n",
             ": a\r\n\r\n",
             "X\r\n\r\n",
             "X: a\nY: b\r\n\r\n",
             "X: a\r\n\n",
             "X: a\rY: b\r\n\r\n",
             "X(: a\r\n\r\n",
             "X: a\x01\r\n\r\n",
             "Transfer-Encoding: gzip\r\n\r\n",
             "Transfer-Encoding: chunked, gzip\r\n\r\n",
             "Transfer-Encoding: chunked, chunked\r\n\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
             "Transfer-Encoding: identity\r\n\r\n",
             "Transfer-Encoding:\r\n\r\n",
             "Transfer-Encoding\x0b: chunked\r\n\r\n",
         }) {
        const std::string text = parse(start + std::string(rest));
        EXPECT_EQ(text.substr(0, 5), "!400 ") << rest;
    }
    EXPECT_EQ(read(start + "X: a" + std::string(1, '\0') + "b\r\n\r\n").refused, 400);
}

TEST(RequestParser, RefusesTransferCodingsItDoesNotKnow) {
    const std::string start = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ";
    EXPECT_EQ(read(start + "rot13\r\n\r\n").refused, 501);
    EXPECT_EQ(read(start + "rot13, chunked\r\n\r\n").refused, 501);
    EXPECT_EQ(read(start + "gzip, chunked\r\n\r\n").refused, 501);
    EXPECT_EQ(read(start + "xchunked\r\n\r\n").refused, 501);
    EXPECT_EQ(read("POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").refused, 400);
}

TEST(RequestParser, RefusesBadChunks) {
    const std::string start = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string_view rest : {
             "0x5\r\nabcde\r\n0\r\n\r\n",
             "5\nabcde\r\n0\r\n\r\n",
             "5\r\nabcde\n0\r\n\r\n",
             "5\r\nabcdef\r\n0\r\n\r\n",
             "5 \r\nabcde\r\n0\r\n\r\n",
             " 5\r\nabcde\r\n0\r\n\r\n",
             "-5\r\nabcde\r\n0\r\n\r\n",
             "\r\nabcde\r\n0\r\n\r\n",
             "g\r\nabcde\r\n0\r\n\r\n",
             "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
             "10000000000000005\r\nabcde\r\n0\r\n\r\n",
             "5;a\nb\r\nabcde\r\n0\r\n\r\n",
             "5;a=b\nc\r\nabcde\r\n0\r\n\r\n",
             "0\n\r\n",
             "0\r\n\n",
             "0\r\nX : y\r\n\r\n",
             "0\r\nX: y\n\r\n",
         }) {
        EXPECT_EQ(read(start + std::string(rest)).refused, 400)
            << rest << read(start + std::string(rest)).text;
    }
    EXPECT_EQ(read(start + "7fffffffffffffff\r\n").refused, 413);
}

TEST(RequestParser, RefusesBadRequestLinesAndHosts) {
    EXPECT_EQ(parse("GET /x HTTP/1.1\r\nX: a\r\n\r\n"), "!400 missing Host header");
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "!400 two Host headers");
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "!400 malformed Host header");
    for (const std::string_view input :
         {"G\x16T / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", "GET\r\n\r\n",
          "NOPE / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\r\n\r\n",
          "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n",
          "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
          "get / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        EXPECT_EQ(read(input).refused, 400) << input << read(input).text;
    }
    for (const std::string_view input :
         {"GET /\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
          "GET / HTTP/0.9\r\nHost: a\r\n\r\n"}) {
        EXPECT_EQ(read(input).refused, 505) << input << read(input).text;
    }
    EXPECT_EQ(read("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n").refused, 501);
}

TEST(RequestParser, KnowsThePrefaceOfHttp2AndWhereItEnds) {
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const std::string bytes = preface + "more";
    for (std::size_t cut = 0; cut <= preface.size(); ++cut) {
        RequestParser parser(ServerLimits{});
        Transcript out;
        std::size_t taken = parser.feed(std::string_view(bytes).substr(0, cut), out);
        taken += parser.feed(std::string_view(bytes).substr(taken), out);
        EXPECT_EQ(parser.state(), RequestParser::State::kHttp2) << cut;
        EXPECT_EQ(taken, preface.size()) << cut;
    }
}

TEST(RequestParser, HeadLimits) {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    const std::string end = "\r\n\r\n";
    const std::string fits(200 - start.size() - end.size(), 'x');
    EXPECT_EQ(read(start + fits + end).refused, 0);
    EXPECT_EQ(read(start + fits + "x" + end).refused, 431);
    EXPECT_EQ(read("GET /" + std::string(300, 'x')).refused, 431);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n").refused, 0);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n").refused,
              431);
    // Each request of a connection has the whole allowance.
    EXPECT_EQ(read(start + fits + end + start + fits + end).refused, 0);
}

TEST(RequestParser, BodyLimits) {
    const std::string start = "POST /p HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(read(start + "Content-Length: 20\r\n\r\n" + std::string(20, 'x')).refused, 0);
    EXPECT_EQ(parse(start + "Content-Length: 21\r\n\r\n"),
              "!413 request body of 21 bytes is larger than 20 bytes");
    const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(read(chunked + "a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n").refused, 0);
    EXPECT_EQ(read(chunked + "a\r\n0123456789\r\nb\r\n").refused, 413);
    EXPECT_EQ(read(chunked + "1;" + std::string(300, 'e')).refused, 431);
    EXPECT_EQ(read(chunked + "0\r\nT: " + std::string(300, 't')).refused, 431);
}

TEST(RequestParser, ErrorNamesTheTarget) {
    RequestParser parser(small_limits());
    Transcript out;
    parser.feed("POST /v1/messages HTTP/1.1\r\nContent-Length: 99\r\nHost: a\r\n\r\n", out);
    EXPECT_EQ(parser.error().status, 413);
    EXPECT_EQ(parser.error().target, "/v1/messages");
}

}  // namespace
}  // namespace segue::net
