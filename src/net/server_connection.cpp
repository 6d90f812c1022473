#include "net/server_connection.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/check.hpp"
#include "base/clock.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A body that still comes after its answer is read up to here for the connection's sake; a larger
// one costs the connection.
constexpr std::uint64_t kMaxDroppedBody = 256 * 1024;
// Pipelined requests wait unparsed; each counts for this much of ServerLimits::max_pipelined.
constexpr std::size_t kPipelinedBytes = 4096;
// After our side is shut: a client that still sends (a body we refused) needs this time to come to
// read the answer.
constexpr seconds kLingerQuiet{2};
constexpr seconds kLingerTotal{30};
// A closing connection whose client takes nothing for this long is given up.
constexpr seconds kStalledWrite{30};
constexpr milliseconds kAcknowledgePoll{5};
constexpr int kAcknowledgeTries = 200;
constexpr std::size_t kKeptBuffer = 128 * 1024;

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerShared> shared, std::uint64_t id, int fd,
                                   std::string peer)
    : shared_(std::move(shared)),
      id_(id),
      fd_(fd),
      peer_(std::move(peer)),
      parser_(shared_->limits) {
}

ServerConnection::~ServerConnection() {
    SEGUE_CHECK(fd_ < 0);
}

void ServerConnection::start() {
    const int on = 1;
    // Each token of a stream must leave at once. Fails only on sockets that are not TCP.
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    loop().watch(fd_, Ready::kRead, *this);
    set_phase(Phase::kIdle);
}

void ServerConnection::drain() {
    keep_alive_ = false;
    if (exchange_ == nullptr && (phase_ == Phase::kIdle || phase_ == Phase::kHead))
        begin_close(Ending::kOrderly);
}

void ServerConnection::close_now() {
    if (phase_ == Phase::kClosed) return;
    const auto self = shared_from_this();
    tell_gone();
    close_socket();
}

// ---- reading

void ServerConnection::on_ready(bool readable, bool writable) {
    const auto self = shared_from_this();
    if (writable && write_blocked_) flush();
    if (readable && phase_ != Phase::kClosed && !eof_) read_some();
    if (phase_ != Phase::kClosed) update_interest();
}

void ServerConnection::read_some() {
    std::vector<char>& buffer = shared_->read_buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) on_broken();
        return;
    }
    if (got == 0) {
        on_eof();
        return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (phase_ == Phase::kClosing) return;
    if (phase_ == Phase::kLingering && ending_ == Ending::kReset) return;
    if (phase_ == Phase::kLingering) {
        const Duration left = linger_until_ - loop().now();
        if (left <= Duration::zero()) {
            close_socket();
        } else {
            arm(std::min<Duration>(left, kLingerQuiet), &ServerConnection::close_socket);
        }
        return;
    }
    // The handlers that process() calls may not read, so the shared buffer stays as it is.
    if (reads_requests() && in_.empty() && !processing_) {
        process(bytes);
    } else {
        in_ += bytes;
        pump();
    }
}

void ServerConnection::on_eof() {
    eof_ = true;
    if (phase_ == Phase::kLingering) {
        close_socket();
    } else if (exchange_ != nullptr) {
        // A client that only shut its sending side counts as gone, too: it looks the same from here
        // (as nginx sees it).
        tell_gone();
        flush();
        if (phase_ != Phase::kClosed) close_socket();
    } else if (phase_ != Phase::kClosing) {
        begin_close(Ending::kOrderly);
    }
}

void ServerConnection::on_broken() {
    tell_gone();
    close_socket();
}

void ServerConnection::tell_gone() {
    if (exchange_ == nullptr) return;
    const auto exchange = exchange_;
    retire_exchange();
    exchange->handler().on_client_gone();
}

void ServerConnection::process(std::string_view bytes) {
    processing_ = true;
    while (!bytes.empty() && reads_requests()) {
        // Answers that nobody takes must not pile up.
        if (phase_ == Phase::kIdle && unsent() > shared_->limits.high_water) break;
        bytes.remove_prefix(parser_.feed(bytes, *this));
        if (phase_ >= Phase::kClosing) break;
        if (parser_.state() == RequestParser::State::kRefused) {
            refuse(parser_.error());
            break;
        }
        if (phase_ == Phase::kIdle && parser_.state() == RequestParser::State::kHead) {
            request_started_ = loop().now();
            set_phase(Phase::kHead);
        }
        advance();
    }
    if (phase_ == Phase::kBody)
        set_phase(Phase::kBody);  // a read came: the body's time starts again
    if (!bytes.empty() && phase_ <= Phase::kAnswering) in_ += bytes;
    processing_ = false;
}

void ServerConnection::advance() {
    if (exchange_ != nullptr) return;
    if (phase_ == Phase::kAnswering) {
        if (!keep_alive_) {
            begin_close(Ending::kOrderly);
            return;
        }
        parser_.next();
        set_phase(Phase::kIdle);
    } else if (phase_ == Phase::kBody && (!keep_alive_ || dropped_ > kMaxDroppedBody)) {
        begin_close(Ending::kOrderly);
    }
}

void ServerConnection::pump() {
    if (processing_) return;
    advance();
    if (in_.empty() || !reads_requests()) return;
    const std::string bytes = std::exchange(in_, {});
    process(bytes);
}

RequestParser::Next ServerConnection::on_head(ParsedHead head) {
    if (phase_ == Phase::kIdle) request_started_ = loop().now();
    keep_alive_ = head.keep_alive && !shared_->draining;
    body_chunked_ = !head.content_length.has_value();
    body_left_ = head.content_length.value_or(0);
    dropped_ = 0;
    continue_pending_ = head.expects_continue;
    head.request.peer = peer_;
    set_phase(Phase::kBody);

    const auto exchange = std::make_shared<ServerExchange>(
        *this, ExchangeRequest{.head_method = head.request.method == "HEAD",
                               .version_minor = head.request.version_minor,
                               .started = request_started_});
    exchange_ = exchange;
    exchange->set_handler(shared_->application.make_handler(*exchange));
    if (exchange_ == exchange) exchange->handler().on_head(head.request);
    if (continue_pending_ && exchange_ != nullptr && !exchange_->head_sent()) {
        continue_pending_ = false;
        out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        queued();
    }
    return phase_ == Phase::kBody ? RequestParser::Next::kGoOn : RequestParser::Next::kStop;
}

RequestParser::Next ServerConnection::on_body(std::string_view bytes) {
    body_left_ -= std::min<std::uint64_t>(body_left_, bytes.size());
    if (exchange_ != nullptr) {
        const auto exchange = exchange_;
        exchange->handler().on_body(bytes);
    } else {
        dropped_ += bytes.size();
    }
    return phase_ == Phase::kBody ? RequestParser::Next::kGoOn : RequestParser::Next::kStop;
}

RequestParser::Next ServerConnection::on_request_end() {
    continue_pending_ = false;
    body_chunked_ = false;
    set_phase(Phase::kAnswering);
    if (exchange_ != nullptr) {
        const auto exchange = exchange_;
        exchange->handler().on_body_end();
    }
    return phase_ == Phase::kAnswering ? RequestParser::Next::kGoOn : RequestParser::Next::kStop;
}

void ServerConnection::refuse(const ProtocolError& error) {
    const bool too_late = exchange_ != nullptr ? exchange_->head_sent() : phase_ == Phase::kBody;
    tell_gone();
    if (!too_late && phase_ < Phase::kClosing) {
        const auto [body, content_type] = shared_->application.render_error(error);
        fmt::format_to(std::back_inserter(out_),
                       "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nDate: {}\r\n"
                       "Connection: close\r\n\r\n",
                       error.status, reason_phrase(error.status), content_type, body.size(),
                       date());
        if (!parser_.is_head_method()) out_ += body;
    }
    begin_close(Ending::kOrderly);
}

// ---- answering

std::string_view ServerConnection::date() {
    const WallTime wall = std::chrono::system_clock::now();
    if (const auto second = unix_seconds(wall); second != shared_->date_second) {
        shared_->date_second = second;
        shared_->date = http_date(wall);
    }
    return shared_->date;
}

void ServerConnection::queued() {
    if (unsent() > shared_->limits.high_water) above_high_water_ = true;
    schedule_settle();
}

bool ServerConnection::decide_keep_alive() {
    // The client waits for leave to send its body; after a final answer nobody knows whether it
    // will (RFC 9110 10.1.1).
    if (continue_pending_) keep_alive_ = false;
    if (phase_ == Phase::kBody && (body_chunked_ || body_left_ > kMaxDroppedBody))
        keep_alive_ = false;
    if (shared_->draining) keep_alive_ = false;
    return keep_alive_;
}

void ServerConnection::answer_finished() {
    retire_exchange();
    schedule_settle();
}

void ServerConnection::cut_answer(Ending ending) {
    retire_exchange();
    begin_close(ending);
}

void ServerConnection::retire_exchange() {
    exchange_->detach();
    retired_.push_back(std::move(exchange_));
    exchange_ = nullptr;
    above_high_water_ = false;
    schedule_settle();
}

void ServerConnection::schedule_settle() {
    if (settle_scheduled_) return;
    settle_scheduled_ = true;
    loop().defer([self = shared_from_this()] { self->settle(); });
}

void ServerConnection::settle() {
    settle_scheduled_ = false;
    std::exchange(retired_, {}).clear();
    if (phase_ == Phase::kClosed) return;
    pump();
    flush();
    if (phase_ != Phase::kClosed) update_interest();
}

void ServerConnection::flush() {
    const std::size_t before = unsent();
    while (phase_ != Phase::kClosed && unsent() > 0) {
        const auto sent = ::send(fd_, out_.data() + out_sent_, unsent(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) break;
            on_broken();
            return;
        }
        out_sent_ += static_cast<std::size_t>(sent);
    }
    if (phase_ == Phase::kClosed) return;
    write_blocked_ = unsent() > 0;
    if (!write_blocked_) {
        out_.clear();
        out_sent_ = 0;
        if (out_.capacity() > kKeptBuffer) out_.shrink_to_fit();
    } else if (out_sent_ > kKeptBuffer) {
        out_.erase(0, std::exchange(out_sent_, 0));
    }
    if (unsent() < before && phase_ == Phase::kIdle)
        set_phase(Phase::kIdle);  // it still takes its answer
    after_flush();
}

void ServerConnection::after_flush() {
    if (phase_ == Phase::kClosing) {
        if (write_blocked_) {
            arm(kStalledWrite, &ServerConnection::close_socket);
        } else {
            finish_close();
        }
        return;
    }
    if (unsent() > shared_->limits.low_water) return;
    if (exchange_ != nullptr && std::exchange(above_high_water_, false)) {
        const auto exchange = exchange_;
        exchange->handler().on_drained();
    }
    // Requests that waited until earlier answers were taken.
    if (phase_ == Phase::kIdle && !in_.empty()) schedule_settle();
}

// ---- closing

void ServerConnection::begin_close(Ending ending) {
    if (phase_ >= Phase::kClosing) return;
    if (ending == Ending::kReset) ending_ = Ending::kReset;
    set_phase(Phase::kClosing);
    in_.clear();
    schedule_settle();
}

void ServerConnection::finish_close() {
    if (ending_ == Ending::kReset) {
        set_phase(Phase::kLingering);
        await_acknowledged(kAcknowledgeTries);
        return;
    }
    if (eof_) {
        close_socket();
        return;
    }
    // Closing with unread bytes in the socket would reset the connection and could cost the client
    // its answer.
    ::shutdown(fd_, SHUT_WR);
    set_phase(Phase::kLingering);
    linger_until_ = loop().now() + kLingerTotal;
    arm(kLingerQuiet, &ServerConnection::close_socket);
}

// A reset may overtake what was sent before it, so it waits until the client's side has everything.
void ServerConnection::await_acknowledged(int tries_left) {
    int waiting = 0;
    if (tries_left > 0 && ::ioctl(fd_, TIOCOUTQ, &waiting) == 0 && waiting > 0) {
        timer_ = loop().after(kAcknowledgePoll, [self = shared_from_this(), tries_left] {
            self->timer_ = {};
            self->await_acknowledged(tries_left - 1);
        });
        return;
    }
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close_socket();
}

void ServerConnection::close_socket() {
    if (phase_ == Phase::kClosed) return;
    const auto self = shared_from_this();
    phase_ = Phase::kClosed;
    loop().cancel(timer_);
    loop().unwatch(fd_);
    ::close(std::exchange(fd_, -1));
    in_.clear();
    out_.clear();
    out_sent_ = 0;
    if (shared_->on_closed) shared_->on_closed(id_);
}

// ---- phases and their deadlines

void ServerConnection::set_phase(Phase phase) {
    phase_ = phase;
    loop().cancel(timer_);
    switch (phase) {
        case Phase::kIdle:
            arm(shared_->limits.idle_timeout, &ServerConnection::on_idle_timeout);
            break;
        case Phase::kHead:
            arm(shared_->limits.header_timeout, &ServerConnection::on_head_timeout);
            break;
        case Phase::kBody:
            arm(shared_->limits.body_timeout, &ServerConnection::on_body_timeout);
            break;
        case Phase::kAnswering:
        case Phase::kClosing:
        case Phase::kLingering:
        case Phase::kClosed: break;
    }
}

void ServerConnection::arm(Duration delay, void (ServerConnection::*action)()) {
    loop().cancel(timer_);
    if (delay <= Duration::zero()) return;  // no limit
    timer_ = loop().after(delay, [weak = weak_from_this(), action] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        self->timer_ = {};
        ((*self).*action)();
    });
}

void ServerConnection::on_idle_timeout() {
    close_socket();
}

void ServerConnection::on_head_timeout() {
    refuse(ProtocolError{.status = 408,
                         .message = fmt::format("request head was not complete after {} ms",
                                                shared_->limits.header_timeout.count()),
                         .target = parser_.target()});
}

void ServerConnection::on_body_timeout() {
    refuse(ProtocolError{.status = 408,
                         .message = fmt::format("no byte of the request body for {} ms",
                                                shared_->limits.body_timeout.count()),
                         .target = parser_.target()});
}

void ServerConnection::update_interest() {
    if (phase_ == Phase::kClosed) return;
    const std::size_t most = shared_->limits.max_pipelined * kPipelinedBytes;
    const bool held = phase_ == Phase::kIdle && unsent() > shared_->limits.high_water;
    const bool read = !eof_ && (phase_ >= Phase::kClosing || (in_.size() < most && !held));
    const auto bits = (read ? static_cast<std::uint32_t>(Ready::kRead) : 0U) |
                      (write_blocked_ ? static_cast<std::uint32_t>(Ready::kWrite) : 0U);
    loop().change(fd_, static_cast<Ready>(bits));
}

}  // namespace segue::net
