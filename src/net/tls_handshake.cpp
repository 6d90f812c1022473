#include "net/tls_handshake.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "net/http2_connection.hpp"
#include "net/server_connection.hpp"
#include "net/server_linger.hpp"

namespace segue::net {

TlsHandshake::TlsHandshake(std::shared_ptr<ServerShared> shared, std::uint64_t id, int fd,
                           std::string peer, std::unique_ptr<TlsSession> session)
    : shared_(std::move(shared)),
      id_(id),
      fd_(fd),
      peer_(std::move(peer)),
      session_(std::move(session)) {
}

void TlsHandshake::start() {
    shared_->loop.watch(fd_, Ready::kRead, *this);
    const Duration most = shared_->limits.handshake_timeout;
    if (most <= Duration::zero()) return;
    timer_ = shared_->loop.after(most, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_timeout();
    });
}

void TlsHandshake::on_ready(bool, bool) {
    const auto self = shared_from_this();
    if (std::exchange(first_, false) && speaks_plain_http()) {
        answer_plain_http();
        return;
    }
    switch (session_->handshake()) {
        case TlsSession::Step::kDone: established(); return;
        case TlsSession::Step::kWantRead: shared_->loop.change(fd_, Ready::kRead); return;
        case TlsSession::Step::kWantWrite: shared_->loop.change(fd_, Ready::kWrite); return;
        case TlsSession::Step::kEnd:
        case TlsSession::Step::kFailed:
            log::debug("TLS handshake with {} failed: {}", peer_, session_->error());
            fail();
            return;
    }
}

// TLS begins with the byte 22; a method's name with a letter.
bool TlsHandshake::speaks_plain_http() const {
    char first = 0;
    return ::recv(fd_, &first, 1, MSG_PEEK) == 1 && first >= 'A' && first <= 'Z';
}

void TlsHandshake::answer_plain_http() {
    shared_->application.on_refused(Refusal::kPlainHttp);
    static constexpr std::string_view kText =
        "this port speaks HTTPS; use https:// in the address\n";
    const std::string answer = fmt::format(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
        "Date: {}\r\nConnection: close\r\n\r\n{}",
        kText.size(), shared_->date(), kText);
    Transport transport(std::exchange(fd_, -1));
    shared_->loop.unwatch(transport.fd());
    // The first bytes of a new connection: they fit into the socket.
    std::size_t put = 0;
    transport.write(answer, put);
    become(std::make_shared<ServerLinger>(shared_, id_, std::move(transport)));
}

void TlsHandshake::established() {
    const bool http2 = session_->protocol() == "h2";
    Transport transport(std::exchange(fd_, -1), std::move(session_));
    shared_->loop.unwatch(transport.fd());
    if (http2) {
        become(std::make_shared<Http2Connection>(shared_, id_, std::move(transport),
                                                 std::move(peer_)));
    } else {
        become(std::make_shared<ServerConnection>(shared_, id_, std::move(transport),
                                                  std::move(peer_), nullptr));
    }
}

// The alert that says why must reach the client.
void TlsHandshake::fail() {
    shared_->application.on_refused(Refusal::kHandshake);
    session_.reset();
    Transport transport(std::exchange(fd_, -1));
    shared_->loop.unwatch(transport.fd());
    become(std::make_shared<ServerLinger>(shared_, id_, std::move(transport)));
}

void TlsHandshake::become(std::shared_ptr<ServerLink> link) {
    shared_->loop.cancel(timer_);
    if (shared_->become) shared_->become(id_, link);
    link->start();
}

void TlsHandshake::on_timeout() {
    shared_->application.on_refused(Refusal::kHandshakeTimeout);
    close_now();
}

void TlsHandshake::close_now() {
    if (fd_ < 0) return;
    const auto self = shared_from_this();
    shared_->loop.cancel(timer_);
    shared_->loop.unwatch(fd_);
    session_.reset();
    ::close(std::exchange(fd_, -1));
    if (shared_->on_closed) shared_->on_closed(id_);
}

}  // namespace segue::net
