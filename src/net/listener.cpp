#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "net/server.hpp"
#include "net/socket_address.hpp"

namespace segue::net {
namespace {

constexpr int kBacklog = 1024;

struct HostPort {
    std::string host;  // empty = every address
    std::uint16_t port = 0;
};

bool read_port(std::string_view text, std::uint16_t& port) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return !text.empty() && error == std::errc{} && stop == end;
}

Result<HostPort> split_address(std::string_view text) {
    HostPort out;
    const auto wrong = [&] {
        return fail(Fault::kInvalid,
                    fmt::format("cannot listen on \"{}\" (not an address); write host:port, as in "
                                "127.0.0.1:8484 or [::1]:8484",
                                text));
    };
    std::string_view port = text;
    if (text.starts_with('[')) {
        const auto end = text.find("]:");
        if (end == std::string_view::npos) return wrong();
        out.host = text.substr(1, end - 1);
        port = text.substr(end + 2);
        if (out.host.empty()) return wrong();
    } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
        out.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (out.host.find(':') != std::string::npos) return wrong();
    }
    if (!read_port(port, out.port)) return wrong();
    return out;
}

std::string_view cause_text(int error) {
    switch (error) {
        case EADDRINUSE: return "address already in use";
        case EACCES: return "permission denied";
        case EADDRNOTAVAIL: return "not an address of this machine";
        default: return {};
    }
}

std::string_view next_step(int error) {
    switch (error) {
        case EADDRINUSE: return "stop the program that holds the port, or choose another one";
        case EACCES: return "choose a port above 1023, or grant the right to use this one";
        case EADDRNOTAVAIL: return "choose one of this machine's addresses, or 0.0.0.0 for all";
        default: return "choose another address";
    }
}

tl::unexpected<Error> cannot_listen(std::string_view address, int error) {
    const std::string_view known = cause_text(error);
    return fail(error == EADDRINUSE ? Fault::kConflict : Fault::kIo,
                fmt::format("cannot listen on {} ({}); {}", address,
                            known.empty() ? std::string_view(std::strerror(error)) : known,
                            next_step(error)));
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct Bound {
    std::uint16_t port;
    std::string address;
    bool loopback;
};

Bound bound_of(int fd) {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    void* raw = &bound;
    ::getsockname(fd, static_cast<sockaddr*>(raw), &length);
    return {socket_address_port(bound), socket_address_text(bound),
            socket_address_is_loopback(bound)};
}

struct Lookup {
    int status = 0;  // of getaddrinfo
    Addresses addresses;
};

Lookup look_up(const HostPort& wanted) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(wanted.host.empty() ? nullptr : wanted.host.c_str(),
                                     std::to_string(wanted.port).c_str(), &hints, &found);
    return {status, Addresses(status == 0 ? found : nullptr)};
}

// Returns the descriptor, or -1 and errno.
int listen_on(const addrinfo& address, bool any_address) {
    const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // ":8484" means IPv4 and IPv6; "[::1]:8484" means what it says.
    if (address.ai_family == AF_INET6) {
        const int only = any_address ? off : on;
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0)
        return fd;
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
}

}  // namespace

Result<Listener> Listener::open(std::string_view text) {
    SEGUE_TRY(wanted, split_address(text));
    const bool any_address = wanted.host.empty();
    const Lookup lookup = look_up(wanted);
    if (lookup.status != 0) {
        return fail(Fault::kInvalid,
                    fmt::format("cannot listen on {} ({}); choose one of this machine's addresses",
                                text, ::gai_strerror(lookup.status)));
    }
    // IPv6 first where every address is meant, as it takes IPv4 too; IPv4 first for a name, as
    // clients of "localhost" expect.
    const int first = any_address ? AF_INET6 : AF_INET;
    int error = EADDRNOTAVAIL;
    for (const bool preferred : {true, false}) {
        for (const addrinfo* at = lookup.addresses.get(); at != nullptr; at = at->ai_next) {
            if ((at->ai_family == first) != preferred) continue;
            const int fd = listen_on(*at, any_address);
            if (fd < 0) {
                error = errno;
                if (error == EADDRINUSE) return cannot_listen(text, error);
                continue;
            }
            Bound bound = bound_of(fd);
            return Listener(fd, bound.port, std::move(bound.address), bound.loopback);
        }
    }
    return cannot_listen(text, error);
}

Result<Listener> Listener::inherit(int fd) {
    Bound bound = bound_of(fd);
    Listener listener(fd, bound.port, std::move(bound.address), bound.loopback);
    int type = 0;
    int listening = 0;
    socklen_t length = sizeof(int);
    const bool is_socket = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
                           ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0;
    if (!is_socket || type != SOCK_STREAM || listening == 0 || listener.port_ == 0)
        return fail(Fault::kInvalid,
                    fmt::format("descriptor {} is not a listening TCP socket; write "
                                "ListenStream=ADDRESS:PORT and Accept=no in the socket unit",
                                fd));
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return fail(Fault::kIo, fmt::format("cannot use the inherited socket {} ({})",
                                            listener.address_, std::strerror(errno)));
    return listener;
}

bool Listener::serves(std::string_view text) const {
    auto wanted = split_address(text);
    if (!wanted) return false;
    if (wanted->port != 0 && wanted->port != port_) return false;
    wanted->port = port_;
    const Lookup lookup = look_up(*wanted);
    for (const addrinfo* at = lookup.addresses.get(); at != nullptr; at = at->ai_next) {
        sockaddr_storage address{};
        std::memcpy(&address, at->ai_addr, at->ai_addrlen);
        if (socket_address_text(address) == address_) return true;
    }
    return false;
}

bool Listener::hears_loopback() const {
    const std::string_view host = std::string_view(address_).substr(0, address_.rfind(':'));
    return host == "127.0.0.1" || host == "0.0.0.0" || host == "[::]";
}

Listener::Listener(int fd, std::uint16_t port, std::string address, bool loopback)
    : fd_(fd), port_(port), address_(std::move(address)), loopback_(loopback) {
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      port_(other.port_),
      address_(std::move(other.address_)),
      loopback_(other.loopback_) {
}

Listener& Listener::operator=(Listener&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(port_, other.port_);
    std::swap(address_, other.address_);
    std::swap(loopback_, other.loopback_);
    return *this;
}

Listener::~Listener() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace segue::net
