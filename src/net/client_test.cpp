#include "net/client.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <optional>

#include "base/text.hpp"
#include "net/test_peer.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using Phase = CallError::Phase;
using Kind = CallError::Kind;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Recorder final : ResponseHandler {
    explicit Recorder(Loop& loop) : loop_(loop) {}
    void on_sent() override {
        ++sent;
        if (when_sent) when_sent();
    }
    void on_head(const ResponseHead& got) override {
        ++heads;
        head = got;
        if (when_head) when_head();
    }
    void on_body(std::string_view bytes) override {
        ++pieces;
        body += bytes;
        if (when_body) when_body();
    }
    void on_end() override {
        ++ends;
        over();
    }
    void on_error(const CallError& got) override {
        EXPECT_FALSE(error) << "two errors";
        error = got;
        over();
    }
    void over() {
        if (when_over) return when_over();
        loop_.stop();
    }
    bool is(Kind kind, Phase phase) const {
        if (!error) return false;
        EXPECT_EQ(static_cast<int>(error->phase), static_cast<int>(phase)) << error->message;
        EXPECT_EQ(static_cast<int>(error->kind), static_cast<int>(kind)) << error->message;
        EXPECT_FALSE(error->message.empty());
        EXPECT_EQ(ends, 0);
        return error->kind == kind && error->phase == phase;
    }

    Loop& loop_;
    int sent = 0, heads = 0, pieces = 0, ends = 0;
    ResponseHead head;
    std::string body;
    std::optional<CallError> error;
    std::function<void()> when_sent, when_head, when_body, when_over;
};

class ClientTest : public testing::Test {
protected:
    std::unique_ptr<Loop> loop_ = Loop::open().value();

    static ClientRequest get(const TestPeer& peer, std::string path = "/") {
        ClientRequest request;
        request.origin.host = "127.0.0.1";
        request.origin.port = peer.port();
        request.path = std::move(path);
        return request;
    }
    static ClientRequest post(const TestPeer& peer, std::string body) {
        ClientRequest request = get(peer, "/v1/chat");
        request.method = "POST";
        request.body = std::move(body);
        return request;
    }
    void run_for(milliseconds time) {
        loop_->after(time, [this] { loop_->stop(); });
        loop_->run();
    }
    /// One whole call.
    void call(Client& client, ClientRequest request, Recorder& into) {
        // Not forever, when a test fails.
        TimerId limit = loop_->after(std::chrono::seconds(10), [this] {
            ADD_FAILURE() << "the call never ended";
            loop_->stop();
        });
        client.start(std::move(request), into);
        EXPECT_EQ(into.heads + into.ends, 0) << "called before start() returned";
        EXPECT_FALSE(into.error);
        loop_->run();
        loop_->cancel(limit);
    }
    Recorder once(ClientRequest request, ClientOptions options = {}) {
        Client client(*loop_, options);
        Recorder seen(*loop_);
        call(client, std::move(request), seen);
        return seen;
    }
    static TestPeer::Script answer(std::string bytes) {
        return [bytes = std::move(bytes)](PeerSocket& socket) {
            socket.read_request();
            socket.send(bytes);
        };
    }
    static TestPeer::Script serve(std::string bytes) {
        return [bytes = std::move(bytes)](PeerSocket& socket) {
            while (!socket.read_request().empty())
                socket.send(bytes);
        };
    }
};

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

TEST_F(ClientTest, ReusesConnectionsLastFirst) {
    TestPeer peer(serve(kOk));
    Client client(*loop_);
    for (int i = 0; i < 3; ++i) {
        Recorder seen(*loop_);
        call(client, get(peer), seen);
        EXPECT_EQ(seen.body, "ok");
        EXPECT_EQ(client.idle_connections(), 1U);
        EXPECT_EQ(client.open_connections(), 1U);
    }
    EXPECT_EQ(peer.accepted(), 1);
    client.drop_idle(get(peer).origin);
    EXPECT_EQ(client.open_connections(), 0U);
    Recorder seen(*loop_);
    call(client, get(peer), seen);
    EXPECT_EQ(peer.accepted(), 2);
}

TEST_F(ClientTest, DoesNotReuse) {
    for (const std::string bytes :
         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
          "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"}) {
        SCOPED_TRACE(bytes);
        TestPeer peer(serve(bytes));
        Client client(*loop_);
        for (int i = 0; i < 2; ++i) {
            Recorder seen(*loop_);
            call(client, get(peer), seen);
            EXPECT_EQ(seen.body, "ok");
            EXPECT_EQ(client.open_connections(), 0U);
        }
        EXPECT_EQ(peer.accepted(), 2);
    }
}

TEST_F(ClientTest, ClosesIdleConnections) {
    TestPeer peer(serve(kOk));
    Client client(*loop_, {.idle_timeout = milliseconds(40)});
    Recorder seen(*loop_);
    call(client, get(peer), seen);
    EXPECT_EQ(client.idle_connections(), 1U);
    run_for(milliseconds(90));
    EXPECT_EQ(client.idle_connections(), 0U);
}

TEST_F(ClientTest, AnIdleConnectionThatEndsOrSpeaksIsDropped) {
    for (const char* late : {"", "HTTP/1.1 408 Request Timeout\r\n\r\n"}) {
        std::latch used(1);
        TestPeer peer({[&](PeerSocket& socket) {
                           socket.read_request();
                           socket.send(kOk);
                           used.wait();
                           socket.send(late);
                       },
                       serve(kOk)});
        Client client(*loop_);
        Recorder seen(*loop_);
        call(client, get(peer), seen);
        EXPECT_EQ(client.idle_connections(), 1U);
        used.count_down();
        // Without a round of the loop: taking it from the pool must notice.
        std::this_thread::sleep_for(milliseconds(30));
        Recorder second(*loop_);
        call(client, get(peer), second);
        EXPECT_EQ(second.body, "ok");
        EXPECT_EQ(second.sent, 1);
        EXPECT_EQ(peer.accepted(), 2);
    }
}

TEST_F(ClientTest, C117RepeatsOnceWhenAReusedConnectionBreaks) {
    // The first connection answers once, then takes the second request and breaks.
    for (const bool reset : {false, true}) {
        TestPeer peer({[&](PeerSocket& socket) {
                           socket.read_request();
                           socket.send(kOk);
                           socket.read_request();
                           if (reset) socket.reset();
                       },
                       serve(kOk)});
        Client client(*loop_);
        Recorder first(*loop_);
        call(client, get(peer), first);
        Recorder second(*loop_);
        call(client, post(peer, "again"), second);
        EXPECT_FALSE(second.error);
        EXPECT_EQ(second.body, "ok");
        EXPECT_EQ(second.heads, 1);
        EXPECT_EQ(second.sent, 2);
        EXPECT_EQ(peer.accepted(), 2);
    }
}

TEST_F(ClientTest, RepeatsOnlyOnceAndOnlyBeforeTheFirstByte) {
    const auto once_then = [](std::string then) {
        return [then](PeerSocket& socket) {
            socket.read_request();
            socket.send(kOk);
            socket.read_request();
            socket.send(then);
        };
    };
    TestPeer never({once_then(""), answer("")});
    Client client(*loop_);
    Recorder first(*loop_);
    call(client, get(never), first);
    Recorder second(*loop_);
    call(client, get(never), second);
    EXPECT_TRUE(second.is(Kind::kReset, Phase::kFirstByte));
    EXPECT_EQ(never.accepted(), 2);

    TestPeer begun({once_then("HTTP/1.1 2"), serve(kOk)});
    Recorder third(*loop_);
    call(client, get(begun), third);
    Recorder fourth(*loop_);
    call(client, get(begun), fourth);
    EXPECT_TRUE(fourth.is(Kind::kReset, Phase::kHead));
    EXPECT_EQ(begun.accepted(), 1);
}

TEST_F(ClientTest, Deadlines) {
    TestPeer silent([](PeerSocket& socket) {
        socket.read_request();
        socket.closed_within(std::chrono::seconds(3));
    });
    ClientRequest request = get(silent);
    request.deadlines.first_byte = milliseconds(40);
    EXPECT_TRUE(once(request).is(Kind::kTimeout, Phase::kFirstByte));
    request.deadlines = {.total = milliseconds(40)};
    EXPECT_TRUE(once(request).is(Kind::kTimeout, Phase::kTotal));

    TestPeer stops([](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
        for (int i = 0; i < 3; ++i) {
            PeerSocket::wait(milliseconds(30));
            socket.send("more");
        }
        socket.closed_within(std::chrono::seconds(3));
    });
    request = get(stops);
    request.deadlines.between_bytes = milliseconds(80);
    const Recorder stopped = once(request);
    EXPECT_TRUE(stopped.is(Kind::kTimeout, Phase::kBody));
    EXPECT_EQ(stopped.body, "beginmoremoremore");

    TestPeer half([](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200");
        socket.closed_within(std::chrono::seconds(3));
    });
    request = get(half);
    request.deadlines.between_bytes = milliseconds(40);
    EXPECT_TRUE(once(request).is(Kind::kTimeout, Phase::kHead));
}

TEST_F(ClientTest, ConnectDeadline) {
    // A full queue of connections: the kernel drops further SYNs.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* place = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(fd, place, length), 0);
    ASSERT_EQ(::listen(fd, 0), 0);
    ASSERT_EQ(::getsockname(fd, place, &length), 0);
    std::vector<int> fillers;
    for (int i = 0; i < 3; ++i) {
        fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ::connect(fillers.back(), place, length);
    }
    ClientRequest request;
    request.origin.host = "127.0.0.1";
    request.origin.port = ntohs(address.sin_port);
    request.path = "/";
    request.deadlines.connect = milliseconds(50);
    EXPECT_TRUE(once(request).is(Kind::kTimeout, Phase::kConnect));
    for (const int filler : fillers)
        ::close(filler);
    ::close(fd);
}

TEST_F(ClientTest, CancelClosesAtOnce) {
    std::promise<bool> closed;
    TestPeer peer([&](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
        closed.set_value(socket.closed_within(milliseconds(2000)));
    });
    TestPeer other(serve(kOk));
    Client client(*loop_);
    Recorder seen(*loop_);
    CallId id;
    std::chrono::steady_clock::time_point at;
    seen.when_body = [&] {
        client.cancel(id);
        EXPECT_FALSE(id);
        at = std::chrono::steady_clock::now();
        loop_->after(milliseconds(20), [&] { loop_->stop(); });
    };
    id = client.start(get(peer), seen);
    const CallId stale = id;
    loop_->run();
    EXPECT_TRUE(closed.get_future().get());
    EXPECT_LT(std::chrono::steady_clock::now() - at, milliseconds(100));
    EXPECT_EQ(seen.ends, 0);
    EXPECT_FALSE(seen.error);
    EXPECT_EQ(client.open_connections(), 0U);
    // A stale handle touches nobody, not even the call that has its slot now.
    Recorder next(*loop_);
    client.start(get(other), next);
    CallId copy = stale;
    client.cancel(copy);
    client.pause(stale);
    client.resume(stale);
    loop_->run();
    EXPECT_EQ(next.body, "ok");
}

TEST_F(ClientTest, CancelFromEveryCallbackAndBeforeTheFirst) {
    TestPeer peer(serve(kOk));
    Client client(*loop_);
    for (int where = 0; where < 4; ++where) {
        Recorder seen(*loop_);
        CallId id;
        const auto stop = [&] {
            client.cancel(id);
            loop_->after(milliseconds(10), [&] { loop_->stop(); });
        };
        if (where == 1) seen.when_sent = stop;
        if (where == 2) seen.when_head = stop;
        if (where == 3) seen.when_body = stop;
        id = client.start(get(peer), seen);
        if (where == 0) stop();
        loop_->run();
        EXPECT_EQ(seen.ends, 0);
        EXPECT_EQ(seen.sent, where > 0 ? 1 : 0);
        EXPECT_EQ(seen.pieces, where > 2 ? 1 : 0);
        EXPECT_EQ(client.open_connections(), 0U);
    }
}

TEST_F(ClientTest, StartsAndDropsFromInsideOnEnd) {
    TestPeer peer(serve(kOk));
    Client client(*loop_);
    Recorder second(*loop_);
    Recorder first(*loop_);
    first.when_over = [&] {
        client.drop_idle(get(peer).origin);
        client.start(get(peer), second);
        EXPECT_EQ(second.sent, 0);
    };
    client.start(get(peer), first);
    loop_->run();
    EXPECT_EQ(second.body, "ok");
    EXPECT_EQ(peer.accepted(), 2);
}

TEST_F(ClientTest, PauseHoldsTheEngineBack) {
    constexpr std::size_t kSize = 32 * 1024 * 1024;
    std::atomic<std::size_t> written{0};
    TestPeer peer([&](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
        const std::string piece(64 * 1024, 'x');
        for (std::size_t at = 0; at < kSize && socket.send(piece); at += piece.size())
            written += piece.size();
    });
    Client client(*loop_);
    Recorder seen(*loop_);
    CallId id;
    std::size_t at_resume = 0;
    seen.when_body = [&] {
        if (seen.pieces != 1) return;
        client.pause(id);
        loop_->after(milliseconds(150), [&] {
            EXPECT_EQ(seen.pieces, 1);
            at_resume = written;
            client.resume(id);
        });
    };
    ClientRequest request = get(peer);
    request.deadlines.between_bytes = milliseconds(60);  // must not fire while paused
    id = client.start(std::move(request), seen);
    loop_->run();
    EXPECT_FALSE(seen.error);
    EXPECT_EQ(seen.body.size(), kSize);
    EXPECT_GT(at_resume, 0U);
    EXPECT_LT(at_resume, kSize);
}

TEST_F(ClientTest, SilenceAfterResumeIsNoticed) {
    TestPeer peer([&](PeerSocket& socket) {
        socket.read_request();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin");
        socket.closed_within(std::chrono::seconds(3));
    });
    Client client(*loop_);
    Recorder seen(*loop_);
    CallId id;
    bool resumed = false;
    seen.when_body = [&] {
        client.pause(id);
        loop_->after(milliseconds(80), [&] {
            EXPECT_FALSE(seen.error);
            resumed = true;
            client.resume(id);
        });
    };
    ClientRequest request = get(peer);
    request.deadlines.between_bytes = milliseconds(30);
    id = client.start(std::move(request), seen);
    loop_->run();
    EXPECT_TRUE(resumed);
    EXPECT_TRUE(seen.is(Kind::kTimeout, Phase::kBody));
}

TEST_F(ClientTest, LargeRequestBodyDoesNotBlockTheLoop) {
    std::atomic<std::size_t> received{0};
    TestPeer peer([&](PeerSocket& socket) {
        PeerSocket::wait(milliseconds(60));
        received = socket.read_request().size();
        socket.send(kOk);
    });
    Client client(*loop_);
    Recorder seen(*loop_);
    int ticks = 0;
    std::function<void()> tick = [&] {
        ++ticks;
        if (seen.sent == 0) loop_->after(milliseconds(5), tick);
    };
    loop_->after(milliseconds(5), tick);
    call(client, post(peer, std::string(20'000'000, 'b')), seen);
    EXPECT_EQ(seen.body, "ok");
    EXPECT_GT(received, 20'000'000U);
    EXPECT_GT(ticks, 5);
    EXPECT_EQ(client.idle_connections(), 1U);
}

TEST_F(ClientTest, EarlyAnswerToALargeBodyIsDelivered) {
    const std::string refusal =
        "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 9\r\n\r\ntoo large";
    TestPeer closes([&](PeerSocket& socket) {
        socket.read();
        socket.send(refusal);
        PeerSocket::wait(milliseconds(50));  // then closes with unread bytes: a reset
    });
    TestPeer resets([&](PeerSocket& socket) {
        socket.read();
        socket.send(refusal);
        ::shutdown(socket.fd(), SHUT_WR);
        socket.read();
    });
    for (const TestPeer* peer : {&closes, &resets}) {
        Client client(*loop_);
        Recorder seen(*loop_);
        call(client, post(*peer, std::string(20'000'000, 'b')), seen);
        EXPECT_FALSE(seen.error) << seen.error->message;
        EXPECT_EQ(seen.head.status, 413);
        EXPECT_EQ(seen.body, "too large");
        EXPECT_EQ(client.open_connections(), 0U);
    }
}

TEST_F(ClientTest, ManyCallsAtOnceAndNoDescriptorLeft) {
    const int before = open_descriptors();
    {
        TestPeer peer(serve(kOk));
        Client client(*loop_, {.max_idle_per_origin = 4});
        std::vector<std::unique_ptr<Recorder>> seen;
        int left = 40;
        for (int i = 0; i < 40; ++i) {
            seen.push_back(std::make_unique<Recorder>(*loop_));
            seen.back()->when_over = [&] {
                if (--left == 0) loop_->stop();
            };
            CallId id = client.start(get(peer), *seen.back());
            if (i % 10 == 0) {
                client.cancel(id);
                --left;
            }
        }
        loop_->run();
        EXPECT_EQ(client.idle_connections(), 4U);
        Recorder unfinished(*loop_);
        client.start(get(peer), unfinished);
    }
    run_for(milliseconds(5));
    EXPECT_EQ(open_descriptors(), before);
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
