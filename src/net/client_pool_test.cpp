#include "net/client_pool.hpp"

#include <gtest/gtest.h>

#include <latch>

#include "net/client_test_kit.hpp"
#include "net/test_peer.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using Phase = CallError::Phase;
using Kind = CallError::Kind;

class ClientPoolTest : public ClientTest {};

TEST_F(ClientPoolTest, ReusesConnectionsLastFirst) {
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

TEST_F(ClientPoolTest, DoesNotReuse) {
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

TEST_F(ClientPoolTest, ClosesIdleConnections) {
    TestPeer peer(serve(kOk));
    Client client(*loop_, {.idle_timeout = milliseconds(40)});
    Recorder seen(*loop_);
    call(client, get(peer), seen);
    EXPECT_EQ(client.idle_connections(), 1U);
    run_for(milliseconds(90));
    EXPECT_EQ(client.idle_connections(), 0U);
}

TEST_F(ClientPoolTest, AnIdleConnectionThatEndsOrSpeaksIsDropped) {
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

TEST_F(ClientPoolTest, C117RepeatsOnceWhenAReusedConnectionBreaks) {
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

TEST_F(ClientPoolTest, RepeatsOnlyOnceAndOnlyBeforeTheFirstByte) {
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

TEST_F(ClientPoolTest, StartsAndDropsFromInsideOnEnd) {
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

TEST_F(ClientPoolTest, ManyCallsAtOnceAndNoDescriptorLeft) {
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

}  // namespace
}  // namespace segue::net
