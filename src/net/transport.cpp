#include "net/transport.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace segue::net {

Transport::Io Transport::read(std::span<char> buffer, std::size_t& got) {
    return tls_ != nullptr ? read_tls(buffer, got) : read_plain(buffer, got);
}

Transport::Io Transport::read_plain(std::span<char> buffer, std::size_t& got) {
    const auto size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size > 0) {
        got = static_cast<std::size_t>(size);
        return Io::kBytes;
    }
    if (size == 0) return Io::kEnd;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Io::kAgain : Io::kBroken;
}

Transport::Io Transport::write(std::string_view bytes, std::size_t& put) {
    if (tls_ != nullptr) return write_tls(bytes, put);
    while (true) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            put = static_cast<std::size_t>(sent);
            return Io::kBytes;
        }
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kAgain : Io::kBroken;
    }
}

Transport::Io Transport::read_tls(std::span<char> buffer, std::size_t& got) {
    read_wants_write_ = false;
    switch (tls_->read(buffer.data(), buffer.size(), got)) {
        case TlsSession::Step::kDone: return Io::kBytes;
        case TlsSession::Step::kWantRead: return Io::kAgain;
        case TlsSession::Step::kWantWrite: read_wants_write_ = true; return Io::kAgain;
        case TlsSession::Step::kEnd: return Io::kEnd;
        case TlsSession::Step::kFailed: return Io::kBroken;
    }
    return Io::kBroken;
}

Transport::Io Transport::write_tls(std::string_view bytes, std::size_t& put) {
    write_wants_read_ = false;
    switch (tls_->write(bytes, put)) {
        case TlsSession::Step::kDone: return Io::kBytes;
        case TlsSession::Step::kWantRead: write_wants_read_ = true; return Io::kAgain;
        case TlsSession::Step::kWantWrite: return Io::kAgain;
        case TlsSession::Step::kEnd:
        case TlsSession::Step::kFailed: return Io::kBroken;
    }
    return Io::kBroken;
}

Transport::Io Transport::drop(std::span<char> scratch) {
    std::size_t got = 0;
    return read_plain(scratch, got);
}

Ready Transport::interest(bool read, bool write) const {
    const bool in = read || (write && write_wants_read_);
    const bool out = (write && !write_wants_read_) || (read && read_wants_write_);
    return static_cast<Ready>((in ? static_cast<std::uint32_t>(Ready::kRead) : 0U) |
                              (out ? static_cast<std::uint32_t>(Ready::kWrite) : 0U));
}

int Transport::not_acknowledged() const {
    int bytes = 0;
    return ::ioctl(fd_, TIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void Transport::shut() {
    if (tls_ != nullptr) tls_->end();
    ::shutdown(fd_, SHUT_WR);
}

void Transport::close() {
    if (fd_ < 0) return;
    tls_.reset();
    ::close(std::exchange(fd_, -1));
}

void Transport::reset() {
    if (fd_ < 0) return;
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

}  // namespace segue::net
