/// Socket addresses as people write them: "127.0.0.1:8484", "[::1]:8484".
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace segue::net {

/// "" for families other than IPv4 and IPv6. An IPv4 address mapped into IPv6 is shown as IPv4.
std::string socket_address_text(const sockaddr_storage& address);
std::uint16_t socket_address_port(const sockaddr_storage& address);
bool socket_address_is_loopback(const sockaddr_storage& address);

}  // namespace segue::net
