#include <gmock/gmock.h>
#include <netinet/in.h>

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
