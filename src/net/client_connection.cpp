#include "net/client_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"

namespace segue::net {
namespace {

// One connection must not keep the loop for itself while a fast peer takes a large body.
constexpr std::size_t kWriteRound = 1024 * 1024;
// A body this small goes into the same TLS record as the head.
constexpr std::size_t kSmallTlsBody = 16 * 1024;

std::string describe(int error) {
    std::string text = std::strerror(error);
    if (!text.empty()) text[0] = ascii_lower(text[0]);
    return text;
}

bool try_again(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

ClientConnection::ClientConnection(Loop& loop, std::span<char> buffer)
    : loop_(loop), buffer_(buffer) {
}

ClientConnection::~ClientConnection() {
    close();
}

void ClientConnection::dial(Target target, User& user) {
    SEGUE_CHECK(stage_ == Stage::kNew && !target.addresses.empty());
    target_ = std::move(target);
    user_ = &user;
    try_next_address();
}

void ClientConnection::try_next_address() {
    const Address& address = target_.addresses[next_address_++];
    stage_ = Stage::kConnecting;
    fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return connect_failed(errno);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* where = static_cast<const sockaddr*>(static_cast<const void*>(&address.storage));
    if (::connect(fd_, where, address.length) != 0 && errno != EINPROGRESS)
        return connect_failed(errno);
    loop_.watch(fd_, Ready::kWrite, *this);
    if (next_address_ < target_.addresses.size()) {
        const Duration limit = target_.address_limit > Duration::zero() ? target_.address_limit
                                                                        : std::chrono::seconds(3);
        address_timer_ = loop_.after(limit, [this] { connect_failed(ETIMEDOUT); });
    }
}

void ClientConnection::connect_failed(int error) {
    close_socket();
    if (next_address_ < target_.addresses.size()) return try_next_address();
    open_failed(CallError::Phase::kConnect,
                error == ETIMEDOUT ? CallError::Kind::kTimeout : CallError::Kind::kRefused,
                describe(error));
}

void ClientConnection::check_connected() {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error != 0) return connect_failed(error);
    loop_.cancel(address_timer_);
    if (target_.tls == nullptr) return connected();
    auto session = TlsSession::open(*target_.tls, fd_, target_.tls_name);
    if (!session)
        return open_failed(CallError::Phase::kTls, CallError::Kind::kTlsFailed,
                           session.error().detail);
    tls_ = std::move(*session);
    stage_ = Stage::kHandshaking;
    shake_hands();
}

void ClientConnection::shake_hands() {
    switch (tls_->handshake()) {
        case TlsSession::Step::kDone: return connected();
        case TlsSession::Step::kWantRead: return loop_.change(fd_, Ready::kRead);
        case TlsSession::Step::kWantWrite: return loop_.change(fd_, Ready::kWrite);
        case TlsSession::Step::kEnd:
        case TlsSession::Step::kFailed: break;
    }
    const std::string& why = tls_->error();
    open_failed(CallError::Phase::kTls, CallError::Kind::kTlsFailed,
                why.empty() ? "connection closed during the TLS handshake" : why);
}

void ClientConnection::connected() {
    stage_ = Stage::kOpen;
    loop_.change(fd_, Ready::kRead);
    user_->on_open(*this);
}

void ClientConnection::open_failed(CallError::Phase phase, CallError::Kind kind,
                                   std::string message) {
    CallError error{phase, kind, std::move(message)};
    close();
    user_->on_open_failed(*this, std::move(error));
}

void ClientConnection::close_socket() {
    loop_.cancel(address_timer_);
    tls_.reset();
    if (fd_ < 0) return;
    loop_.unwatch(fd_);
    ::close(fd_);
    fd_ = -1;
}

void ClientConnection::close() {
    // A connection that leaves the pool says goodbye; one that is cut in the middle does not.
    if (tls_ != nullptr && resting_ && stage_ == Stage::kOpen) tls_->end();
    close_socket();
    stage_ = Stage::kClosed;
    head_ = body_ = {};
}

void ClientConnection::send(std::string head, std::string_view body) {
    SEGUE_CHECK(stage_ == Stage::kOpen && !unsent());
    resting_ = false;
    head_text_ = std::move(head);
    body_ = body;
    if (tls_ != nullptr && body.size() <= kSmallTlsBody) {
        head_text_ += body;
        body_ = {};
    }
    head_ = head_text_;
    write_some();
}

void ClientConnection::set_reading(bool reading) {
    if (reading_ == reading) return;
    reading_ = reading;
    if (stage_ != Stage::kOpen) return;
    update_interest();
    // Bytes that TLS has taken from the socket already make no socket readable.
    if (reading && tls_ != nullptr && tls_->pending()) read_later();
}

void ClientConnection::rest() {
    resting_ = true;
    reading_ = true;
    head_text_.clear();
    update_interest();
}

bool ClientConnection::healthy() {
    if (stage_ != Stage::kOpen) return false;
    if (tls_ != nullptr) return tls_->quiet();
    char byte = 0;
    const auto got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && try_again(errno);
}

void ClientConnection::on_ready(bool readable, bool writable) {
    switch (stage_) {
        case Stage::kConnecting: return check_connected();
        case Stage::kHandshaking: return shake_hands();
        case Stage::kOpen: break;
        case Stage::kNew:
        case Stage::kClosed: return;
    }
    if (resting_) {
        if (!healthy()) user_->on_lost(*this, Loss::kClosed, "closed while idle");
        return;
    }
    // Reading first: an answer that came before the request was read is worth more than its rest.
    if (reading_ && (readable || (writable && tls_read_wants_write_))) read_some();
    if (stage_ == Stage::kOpen && unsent() && (writable || (readable && tls_write_wants_read_)))
        write_some();
}

ClientConnection::Io ClientConnection::from_tls(TlsSession::Step step) {
    switch (step) {
        case TlsSession::Step::kDone: return Io::kBytes;
        case TlsSession::Step::kWantRead:
        case TlsSession::Step::kWantWrite: return Io::kAgain;
        case TlsSession::Step::kEnd: return Io::kClosed;
        case TlsSession::Step::kFailed: break;
    }
    io_error_ = tls_->error();
    return Io::kBroken;
}

ClientConnection::Io ClientConnection::read_raw(char* into, std::size_t size, std::size_t& got) {
    got = 0;
    if (tls_ != nullptr) {
        const TlsSession::Step step = tls_->read(into, size, got);
        tls_read_wants_write_ = step == TlsSession::Step::kWantWrite;
        return from_tls(step);
    }
    const auto count = ::recv(fd_, into, size, 0);
    if (count > 0) {
        got = static_cast<std::size_t>(count);
        return Io::kBytes;
    }
    if (count == 0) return Io::kClosed;
    if (try_again(errno)) return Io::kAgain;
    io_error_ = describe(errno);
    return Io::kBroken;
}

// One recv on a plain socket. With TLS as many records as there are: a record is at most 16 KiB,
// and all of a round should reach the caller as one piece.
void ClientConnection::read_some() {
    std::size_t total = 0;
    Io last = Io::kAgain;
    do {
        std::size_t got = 0;
        last = read_raw(buffer_.data() + total, buffer_.size() - total, got);
        total += got;
    } while (tls_ != nullptr && last == Io::kBytes && total < buffer_.size());
    if (total > 0) user_->on_bytes(*this, std::string_view(buffer_.data(), total));
    if (stage_ != Stage::kOpen) return;
    if (last == Io::kClosed || last == Io::kBroken) {
        // The answer may have ended in these bytes: then this tells the pool.
        const Loss loss = last == Io::kClosed ? Loss::kClosed : Loss::kBroken;
        return user_->on_lost(*this, loss, last == Io::kClosed ? "connection closed" : io_error_);
    }
    update_interest();
    if (tls_ != nullptr && last == Io::kBytes && reading_ && tls_->pending()) read_later();
}

void ClientConnection::read_later() {
    loop_.defer([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired() && stage_ == Stage::kOpen && reading_ && !resting_) read_some();
    });
}

ClientConnection::Io ClientConnection::write_raw(std::size_t& put) {
    put = 0;
    if (tls_ != nullptr) {
        const TlsSession::Step step = tls_->write(head_.empty() ? body_ : head_, put);
        tls_write_wants_read_ = step == TlsSession::Step::kWantRead;
        return from_tls(step);
    }
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    // sendmsg does not write through these pointers.
    for (const std::string_view part : {head_, body_}) {
        if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const auto sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) {
        put = static_cast<std::size_t>(sent);
        return Io::kBytes;
    }
    if (try_again(errno)) return Io::kAgain;
    io_error_ = describe(errno);
    return Io::kBroken;
}

void ClientConnection::write_some() {
    std::size_t total = 0;
    while (unsent() && total < kWriteRound) {
        std::size_t put = 0;
        const Io io = write_raw(put);
        if (io == Io::kAgain) break;
        if (io != Io::kBytes) {
            // The answer may be there to read all the same: an engine that refuses a large body
            // answers 413 and closes. The read that follows finds the answer, or the end.
            write_failed_ = true;
            head_ = body_ = {};
            update_interest();
            return read_later();
        }
        total += put;
        const std::size_t of_head = std::min(put, head_.size());
        head_.remove_prefix(of_head);
        body_.remove_prefix(put - of_head);
    }
    update_interest();
    if (!unsent()) user_->on_written(*this);
}

void ClientConnection::update_interest() {
    if (stage_ != Stage::kOpen) return;
    const bool read = reading_ || (unsent() && tls_write_wants_read_);
    const bool write = (unsent() && !tls_write_wants_read_) || (reading_ && tls_read_wants_write_);
    const Ready both = write ? Ready::kReadWrite : Ready::kRead;
    loop_.change(fd_, read ? both : (write ? Ready::kWrite : Ready::kNone));
}

}  // namespace segue::net
