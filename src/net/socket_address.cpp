#include "net/socket_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace segue::net {
namespace {

template <class T>
T copied(const sockaddr_storage& address) {
    T out{};
    std::memcpy(&out, &address, sizeof out);
    return out;
}

// The last four bytes of ::ffff:a.b.c.d.
in_addr mapped_ipv4(const in6_addr& address) {
    in_addr out{};
    std::memcpy(&out, &address.s6_addr[12], sizeof out);
    return out;
}

std::string ipv4_text(const in_addr& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    return text.data();
}

}  // namespace

std::string socket_address_text(const sockaddr_storage& address) {
    const std::uint16_t port = socket_address_port(address);
    if (address.ss_family == AF_INET)
        return fmt::format("{}:{}", ipv4_text(copied<sockaddr_in>(address).sin_addr), port);
    if (address.ss_family != AF_INET6) return {};
    const auto v6 = copied<sockaddr_in6>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return fmt::format("{}:{}", ipv4_text(mapped_ipv4(v6.sin6_addr)), port);
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), port);
}

std::uint16_t socket_address_port(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) return ntohs(copied<sockaddr_in>(address).sin_port);
    if (address.ss_family == AF_INET6) return ntohs(copied<sockaddr_in6>(address).sin6_port);
    return 0;
}

bool socket_address_is_loopback(const sockaddr_storage& address) {
    const auto is_loopback4 = [](const in_addr& v4) { return (ntohl(v4.s_addr) >> 24U) == 127; };
    if (address.ss_family == AF_INET) return is_loopback4(copied<sockaddr_in>(address).sin_addr);
    if (address.ss_family != AF_INET6) return false;
    const auto v6 = copied<sockaddr_in6>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return is_loopback4(mapped_ipv4(v6.sin6_addr));
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

}  // namespace segue::net
