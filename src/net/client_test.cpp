#include "net/client.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "net/client_test_kit.hpp"
#include "net/test_peer.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using Phase = CallError::Phase;
using Kind = CallError::Kind;

TEST_F(ClientTest, SendsTheRequestAndReadsTheAnswer) {
    std::promise<std::string> request;
    TestPeer peer([&](PeerSocket& socket) {
        request.set_value(socket.read_request());
        socket.send("HTTP/1.1 201 Made\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
    });
    ClientRequest made = post(peer, "{\"a\":1}");
    made.origin.prefix = "/base";
    made.headers = {{"Content-Type", "application/json"},
                    {"Host", "elsewhere"},
                    {"content-length", "99"},
                    {"Transfer-Encoding", "chunked"},
                    {"Connection", "close"}};
    const Recorder seen = once(made);
    EXPECT_EQ(request.get_future().get(),
              "POST /base/v1/chat HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) +
                  "\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"
                  "Connection: keep-alive\r\n\r\n{\"a\":1}");
    EXPECT_EQ(seen.head.status, 201);
    EXPECT_EQ(seen.head.reason, "Made");
    EXPECT_EQ(seen.head.headers.find("x-a"), "b");
    EXPECT_EQ(seen.body, "hello");
    EXPECT_EQ(seen.sent, 1);
    EXPECT_EQ(seen.ends, 1);
}

TEST_F(ClientTest, RefusesWhatWouldBreakTheFraming) {
    TestPeer peer(serve(kOk));
    ClientRequest request = get(peer);
    request.headers.add("X-A", "b\r\nX-Injected: 1");
    EXPECT_TRUE(once(request).is(Kind::kProtocol, Phase::kSend));
    EXPECT_TRUE(once(get(peer, "/a b")).is(Kind::kProtocol, Phase::kSend));
    EXPECT_TRUE(once(get(peer, "no-slash")).is(Kind::kProtocol, Phase::kSend));
}

TEST_F(ClientTest, BodiesByLengthChunkedAndUntilClose) {
    for (const char* bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello "
          "\r\n5\r\nworld\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\n\r\nhello world",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"}) {
        SCOPED_TRACE(bytes);
        TestPeer whole(answer(bytes));
        const Recorder seen = once(get(whole));
        EXPECT_EQ(seen.body, "hello world");
        EXPECT_EQ(seen.pieces, 1) << "one read, one call";
        EXPECT_EQ(seen.heads, 1);
        EXPECT_EQ(seen.ends, 1);
        TestPeer slow([&](PeerSocket& socket) {
            socket.read_request();
            socket.send_slowly(bytes);
        });
        const Recorder slowly = once(get(slow));
        EXPECT_EQ(slowly.body, "hello world");
        EXPECT_EQ(slowly.ends, 1);
    }
}

TEST_F(ClientTest, NoBodyForHeadAnd204) {
    TestPeer head(serve("HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"));
    ClientRequest request = get(head);
    request.method = "HEAD";
    EXPECT_EQ(once(request).ends, 1);
    TestPeer empty(serve("HTTP/1.1 204 No Content\r\n\r\n"));
    EXPECT_EQ(once(get(empty)).ends, 1);
}

TEST_F(ClientTest, WrongAnswers) {
    TestPeer shorter(answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"));
    const Recorder cut = once(get(shorter));
    EXPECT_TRUE(cut.is(Kind::kReset, Phase::kBody));
    EXPECT_EQ(cut.body, "short");
    TestPeer chunks(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    EXPECT_TRUE(once(get(chunks)).is(Kind::kReset, Phase::kBody));
    TestPeer garbage(answer("SSH-2.0-OpenSSH\r\n"));
    EXPECT_TRUE(once(get(garbage)).is(Kind::kProtocol, Phase::kHead));
    TestPeer both(answer(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    EXPECT_TRUE(once(get(both)).is(Kind::kProtocol, Phase::kHead));
    TestPeer large(answer("HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"));
    ClientRequest limited = get(large);
    limited.max_head_bytes = 1000;
    EXPECT_TRUE(once(limited).is(Kind::kProtocol, Phase::kHead));
    TestPeer silent(answer(""));
    EXPECT_TRUE(once(get(silent)).is(Kind::kReset, Phase::kFirstByte));
    TestPeer reset([](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
        PeerSocket::wait(milliseconds(30));
        socket.reset();
    });
    EXPECT_TRUE(once(get(reset)).is(Kind::kReset, Phase::kBody));
}

TEST_F(ClientTest, Refused) {
    std::optional<TestPeer> peer(std::in_place, serve(kOk));
    const ClientRequest request = get(*peer);
    peer.reset();
    EXPECT_TRUE(once(request).is(Kind::kRefused, Phase::kConnect));
    ClientRequest unknown = request;
    unknown.origin.host = "name.invalid";
    const Recorder seen = once(unknown);
    ASSERT_TRUE(seen.error);
    EXPECT_EQ(seen.error->phase, Phase::kResolve);
}

TEST_F(ClientTest, NamesAndSeveralAddresses) {
    // "localhost" has often ::1 first, where nobody listens.
    TestPeer peer(serve(kOk));
    ClientRequest request = get(peer);
    request.origin.host = "localhost";
    EXPECT_EQ(once(request).body, "ok");
}

TEST_F(ClientTest, Ipv6) {
    std::promise<std::string> got;
    TestPeer peer({[&](PeerSocket& socket) {
                      got.set_value(socket.read_request());
                      socket.send(kOk);
                  }},
                  AF_INET6);
    if (peer.port() == 0) GTEST_SKIP() << "no IPv6 here";
    ClientRequest request = get(peer);
    request.origin.host = "::1";
    EXPECT_EQ(once(request).body, "ok");
    EXPECT_NE(got.get_future().get().find("Host: [::1]:"), std::string::npos);
}

TEST_F(ClientTest, Fetch) {
    const int before = open_descriptors();
    {
        TestPeer peer(serve(kOk));
        const auto found = fetch(get(peer));
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_EQ(found->status, 200);
        EXPECT_EQ(found->body, "ok");
        const auto large = fetch(get(peer), 1);
        EXPECT_EQ(large.error().fault, Fault::kTooLarge);
        TestPeer silent([](PeerSocket& socket) {
            socket.read_request();
            socket.closed_within(std::chrono::seconds(3));
        });
        ClientRequest request = get(silent);
        request.deadlines.first_byte = milliseconds(20);
        EXPECT_EQ(fetch(request).error().fault, Fault::kTimeout);
        request.origin.port = 1;
        const auto refused = fetch(request);
        EXPECT_EQ(refused.error().fault, Fault::kUnreachable);
        EXPECT_EQ(refused.error().detail, "cannot reach http://127.0.0.1:1 (connection refused)");
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace segue::net
