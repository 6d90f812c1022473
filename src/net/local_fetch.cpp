#include "net/local_fetch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/local_socket.hpp"
#include "net/response_parser.hpp"

namespace segue::net {
namespace {

using Clock = std::chrono::steady_clock;

Fault fault_of(int error) {
    return error == ENOENT                     ? Fault::kNotFound
           : error == EACCES || error == EPERM ? Fault::kIo
                                               : Fault::kUnreachable;
}

/// Waits until the socket can be read or written; false when the time is over.
bool wait(int fd, short events, Clock::time_point until) {
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) return false;
        pollfd one{fd, events, 0};
        const int ready = ::poll(&one, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

}  // namespace

Result<SimpleResponse> fetch(const LocalFetch& request) {
    const auto trouble = [&](int error) {
        return fail(fault_of(error),
                    fmt::format("cannot ask {} ({})", request.socket, std::strerror(error)));
    };
    const auto until = Clock::now() + request.patience;
    const auto late = [&] {
        return fail(Fault::kTimeout, fmt::format("{} did not answer within {} ms", request.socket,
                                                 request.patience.count()));
    };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (request.socket.size() >= sizeof address.sun_path) return trouble(ENAMETOOLONG);
    std::memcpy(address.sun_path, request.socket.data(), request.socket.size());
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return trouble(errno);
    // A full backlog is EAGAIN at once: nobody accepts there.
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return trouble(errno);
    const std::string head = fmt::format(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: segue\r\nAccept: application/json\r\n"
        "Connection: close\r\n\r\n",
        request.path);
    for (std::size_t sent = 0; sent < head.size();) {
        const auto count = ::send(fd.get(), head.data() + sent, head.size() - sent, MSG_NOSIGNAL);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EINTR) {
            if (!wait(fd.get(), POLLOUT, until)) return late();
        } else {
            return trouble(errno);
        }
    }
    ResponseParser parser(64 * 1024, ResponseParser::Body::kExpected);
    SimpleResponse response;
    std::string buffer(64 * 1024, '\0');
    while (true) {
        const auto count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (!wait(fd.get(), POLLIN, until)) return late();
            continue;
        }
        if (count < 0) return trouble(errno);
        if (count == 0) {
            if (parser.finish()) break;
            return fail(Fault::kUnreachable,
                        fmt::format("{} closed before its answer was whole", request.socket));
        }
        const auto step = parser.feed({buffer.data(), static_cast<std::size_t>(count)});
        response.body += step.body;
        if (step.status == ResponseParser::Status::kBad)
            return fail(Fault::kUnreachable,
                        fmt::format("{} does not speak HTTP ({})", request.socket, parser.error()));
        if (response.body.size() > request.max_body)
            return fail(Fault::kTooLarge, fmt::format("the answer of {} is larger than {} bytes",
                                                      request.socket, request.max_body));
        if (step.status == ResponseParser::Status::kDone) break;
    }
    response.status = parser.head().status;
    response.headers = parser.head().headers;
    return response;
}

}  // namespace segue::net
