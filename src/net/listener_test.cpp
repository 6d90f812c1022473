#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "net/server.hpp"
#include "net/socket_address.hpp"

namespace segue::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Listener, FreePortOnLoopback) {
    for (const std::string_view text : {"127.0.0.1:0", "localhost:0"}) {
        const auto listener = Listener::open(text);
        ASSERT_TRUE(listener) << listener.error().detail;
        EXPECT_GT(listener->port(), 0);
        EXPECT_TRUE(listener->is_loopback());
        EXPECT_THAT(listener->address(), EndsWith(":" + std::to_string(listener->port())));
    }
}

TEST(Listener, EveryAddress) {
    for (const std::string_view text : {":0", "0", "0.0.0.0:0"}) {
        const auto listener = Listener::open(text);
        ASSERT_TRUE(listener) << listener.error().detail;
        EXPECT_FALSE(listener->is_loopback());
    }
}

TEST(Listener, Ipv6Loopback) {
    const auto listener = Listener::open("[::1]:0");
    if (!listener) GTEST_SKIP() << "no IPv6 here: " << listener.error().detail;
    EXPECT_THAT(listener->address(), StartsWith("[::1]:"));
    EXPECT_TRUE(listener->is_loopback());
}

TEST(Listener, TakenPortSaysWhatToDo) {
    const auto first = Listener::open("127.0.0.1:0");
    ASSERT_TRUE(first);
    const auto second = Listener::open(first->address());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::kConflict);
    EXPECT_EQ(second.error().detail, "cannot listen on " + first->address() +
                                         " (address already in use); stop the program that holds "
                                         "the port, or choose another one");
}

TEST(Listener, KnowsWhetherLoopbackComesHere) {
    for (const std::string_view text : {"127.0.0.1:0", ":0", "0.0.0.0:0"}) {
        const auto listener = Listener::open(text);
        ASSERT_TRUE(listener);
        EXPECT_TRUE(listener->hears_loopback()) << text;
    }
    for (const std::string_view text : {"127.0.0.2:0", "[::1]:0"}) {
        const auto listener = Listener::open(text);
        if (listener) {
            EXPECT_FALSE(listener->hears_loopback()) << text;
        }
    }
}

TEST(Listener, InheritsWhatListens) {
    auto opened = Listener::open("127.0.0.1:0");
    ASSERT_TRUE(opened);
    const int copy = ::dup(opened->fd());
    ::fcntl(copy, F_SETFL, 0);  // as a service manager gives it: blocking
    const auto inherited = Listener::inherit(copy);
    ASSERT_TRUE(inherited) << inherited.error().detail;
    EXPECT_EQ(inherited->address(), opened->address());
    EXPECT_TRUE(inherited->is_loopback());
    EXPECT_NE(::fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(copy, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Listener, InheritsNothingElse) {
    const int unbound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int local = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (const int fd : {unbound, datagrams, local, file, 999'999}) {
        const auto listener = Listener::inherit(fd);
        ASSERT_FALSE(listener) << fd;
        EXPECT_THAT(listener.error().detail, HasSubstr("is not a listening TCP socket"));
    }
    EXPECT_EQ(::fcntl(unbound, F_GETFD), -1) << "it was owned, and closed";
}

TEST(Listener, KnowsWhatItServes) {
    const auto listener = Listener::open("127.0.0.1:0");
    ASSERT_TRUE(listener);
    const std::string port = std::to_string(listener->port());
    for (const auto& same : {"127.0.0.1:" + port, std::string("127.0.0.1:0"), "localhost:" + port})
        EXPECT_TRUE(listener->serves(same)) << same;
    for (const auto& other : {":" + port, "0.0.0.0:" + port, std::string("127.0.0.1:1"),
                              "[::1]:" + port, std::string("nonsense")})
        EXPECT_FALSE(listener->serves(other)) << other;
    const auto every = Listener::open(":0");
    ASSERT_TRUE(every);
    EXPECT_TRUE(every->serves(":" + std::to_string(every->port())));
    EXPECT_FALSE(every->serves("127.0.0.1:" + std::to_string(every->port())));
}

TEST(Listener, WrongAddresses) {
    for (const std::string_view text :
         {"", "nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "::1:80",
          "[::1]", "[]:80", "[::1]80"}) {
        const auto listener = Listener::open(text);
        ASSERT_FALSE(listener) << text;
        EXPECT_EQ(listener.error().fault, Fault::kInvalid);
        EXPECT_THAT(listener.error().detail, HasSubstr("127.0.0.1:8484"));
    }
    EXPECT_FALSE(Listener::open("192.0.2.1:0"));
}

TEST(Listener, Moves) {
    auto first = Listener::open("127.0.0.1:0").value();
    const int fd = first.fd();
    Listener second = std::move(first);
    EXPECT_EQ(second.fd(), fd);
    first = std::move(second);
    EXPECT_EQ(first.fd(), fd);
}

TEST(SocketAddress, MappedIpv4IsShownAsIpv4) {
    sockaddr_storage address{};
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(80);
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
    v6.sin6_addr.s6_addr[12] = 127;
    v6.sin6_addr.s6_addr[15] = 1;
    std::memcpy(&address, &v6, sizeof v6);
    EXPECT_EQ(socket_address_text(address), "127.0.0.1:80");
    EXPECT_TRUE(socket_address_is_loopback(address));
}

}  // namespace
}  // namespace segue::net
