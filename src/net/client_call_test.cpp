#include "net/client_call.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "net/client_test_kit.hpp"
#include "net/test_peer.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using Phase = CallError::Phase;
using Kind = CallError::Kind;

class ClientCallTest : public ClientTest {};

TEST_F(ClientCallTest, Deadlines) {
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

TEST_F(ClientCallTest, ConnectDeadline) {
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

TEST_F(ClientCallTest, CancelClosesAtOnce) {
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

TEST_F(ClientCallTest, CancelFromEveryCallbackAndBeforeTheFirst) {
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

TEST_F(ClientCallTest, PauseHoldsTheEngineBack) {
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

TEST_F(ClientCallTest, SilenceAfterResumeIsNoticed) {
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

TEST_F(ClientCallTest, LargeRequestBodyDoesNotBlockTheLoop) {
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

TEST_F(ClientCallTest, EarlyAnswerToALargeBodyIsDelivered) {
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

}  // namespace
}  // namespace segue::net
