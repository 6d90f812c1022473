#include "net/server_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/check.hpp"
#include "net/http2_connection.hpp"

namespace segue::net {
namespace {

// Pipelined requests wait unparsed; each counts for this much of ServerLimits::max_pipelined.
constexpr std::size_t kPipelinedBytes = 4096;

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerShared> shared, std::uint64_t id,
                                   Transport transport, std::string peer,
                                   std::unique_ptr<ProtocolError> refusal)
    : shared_(std::move(shared)),
      id_(id),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      parser_(shared_->limits),
      refusal_(std::move(refusal)) {
}

ServerConnection::~ServerConnection() {
    SEGUE_CHECK(!transport_.is_open());
}

void ServerConnection::start() {
    loop().watch(transport_.fd(), Ready::kRead, *this);
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
    // TLS may wait for the one in order to do the other.
    const bool either = transport_.is_tls();
    if ((writable || either) && write_blocked_) flush();
    if ((readable || either) && phase_ != Phase::kClosed && !eof_) read_some();
    if (phase_ != Phase::kClosed) update_interest();
}

void ServerConnection::read_some() {
    std::vector<char>& buffer = shared_->read_buffer;
    std::size_t got = 0;
    // What comes after our end is dropped, past TLS.
    switch (phase_ == Phase::kLingering ? transport_.drop(buffer) : transport_.read(buffer, got)) {
        case Transport::Io::kBytes: break;
        case Transport::Io::kAgain: return;
        case Transport::Io::kEnd: on_eof(); return;
        case Transport::Io::kBroken: on_broken(); return;
    }
    const std::string_view bytes(buffer.data(), got);
    if (phase_ == Phase::kClosing) return;
    if (phase_ == Phase::kLingering && ending_ == Ending::kReset) return;
    if (phase_ == Phase::kLingering) {
        const Duration left = linger_until_ - loop().now();
        if (left <= Duration::zero()) {
            close_socket();
        } else {
            arm(std::min<Duration>(left, kLingerQuiet));
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
        if (parser_.state() == RequestParser::State::kHttp2) {
            become_http2(bytes);
            break;
        }
        if (parser_.state() == RequestParser::State::kRefused) {
            const int status = parser_.error().status;
            shared_->application.on_refused(status == 413 || status == 431 ? Refusal::kTooLarge
                                                                           : Refusal::kMalformed);
            refuse(parser_.error());
            break;
        }
        if (phase_ == Phase::kIdle && parser_.state() == RequestParser::State::kHead) {
            request_started_ = loop().now();
            set_phase(Phase::kHead);
        }
        advance();
    }
    if (!bytes.empty() && phase_ <= Phase::kAnswering) in_ += bytes;
    processing_ = false;
    // Where it is still the body a read came: its time starts again.
    if (std::exchange(phase_begun_, false) || phase_ == Phase::kBody) arm_phase();
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
    if (refusal_ != nullptr) {
        refusal_->target = std::move(head.request.target);
        refuse(*refusal_);
        return RequestParser::Next::kStop;
    }
    if (phase_ == Phase::kIdle) request_started_ = loop().now();
    served_ = true;
    keep_alive_ = head.keep_alive && !shared_->draining;
    body_chunked_ = !head.content_length.has_value();
    body_left_ = head.content_length.value_or(0);
    dropped_ = 0;
    pace_.start(loop().now());
    continue_pending_ = head.expects_continue;
    head.request.peer = peer_;
    set_phase(Phase::kBody);

    const auto exchange = std::make_shared<Http1Exchange>(
        *this, ExchangeRequest{.head_method = head.request.method == "HEAD",
                               .version_minor = head.request.version_minor,
                               .started = request_started_});
    exchange_ = exchange;
    exchange->set_handler(shared_->application.make_handler(*exchange));
    if (exchange_ == exchange) exchange->handler().on_head(std::move(head.request));
    if (continue_pending_ && exchange_ != nullptr && !exchange_->head_sent()) {
        continue_pending_ = false;
        out_ += "HTTP/1.1 100 Continue\r\n\r\n";
        queued();
    }
    return phase_ == Phase::kBody ? RequestParser::Next::kGoOn : RequestParser::Next::kStop;
}

RequestParser::Next ServerConnection::on_body(std::string_view bytes) {
    body_left_ -= std::min<std::uint64_t>(body_left_, bytes.size());
    pace_.add(bytes.size());
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
        const bool try_later = error.status == 429 || error.status == 503;
        fmt::format_to(std::back_inserter(out_),
                       "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nDate: {}\r\n"
                       "{}Connection: close\r\n\r\n",
                       error.status, reason_phrase(error.status), content_type, body.size(), date(),
                       try_later ? "Retry-After: 1\r\n" : "");
        if (!parser_.is_head_method()) out_ += body;
    }
    begin_close(Ending::kOrderly);
}

// The client knows that we speak HTTP/2 and begins with it (RFC 9113 3.3).
void ServerConnection::become_http2(std::string_view rest) {
    if (served_ || refusal_ != nullptr || shared_->limits.max_streams == 0) {
        shared_->application.on_refused(Refusal::kMalformed);
        refuse({505, "HTTP/2 is not spoken here", ""});
        return;
    }
    const auto self = shared_from_this();
    loop().unwatch(transport_.fd());
    loop().cancel(timer_);
    progress_.cancel(loop());
    phase_ = Phase::kClosed;
    const auto link =
        std::make_shared<Http2Connection>(shared_, id_, std::move(transport_), std::move(peer_));
    link->give(std::string(Http2Connection::kPreface).append(rest));
    if (shared_->become) shared_->become(id_, link);
    link->start();
}

// ---- phases and their deadlines

void ServerConnection::set_phase(Phase phase) {
    phase_ = phase;
    // One read may go through all phases of a request: the timer is set once, at its end.
    if (processing_)
        phase_begun_ = true;
    else
        arm_phase();
}

void ServerConnection::arm_phase() {
    loop().cancel(timer_);
    switch (phase_) {
        case Phase::kIdle:
            arm(refusal_ != nullptr ? kTurnedAwayWait : shared_->limits.idle_timeout);
            break;
        case Phase::kHead: arm(shared_->limits.header_timeout); break;
        case Phase::kBody: arm(pace_.patience(shared_->limits, loop().now())); break;
        case Phase::kAnswering:
        case Phase::kClosing:
        case Phase::kLingering:
        case Phase::kClosed: break;
    }
}

/// The phase says what its end means. No timer outlives the open socket, nor that the connection.
void ServerConnection::arm(Duration delay) {
    loop().cancel(timer_);
    if (delay <= Duration::zero()) return;  // no limit
    timer_ = loop().after(delay, [this] { on_timeout(); });
}

void ServerConnection::on_timeout() {
    const auto self = shared_from_this();
    timer_ = {};
    switch (phase_) {
        case Phase::kHead: return on_head_timeout();
        case Phase::kBody: return on_body_timeout();
        case Phase::kIdle:
        case Phase::kClosing:
        case Phase::kLingering: return close_socket();
        case Phase::kAnswering:
        case Phase::kClosed: return;
    }
}

void ServerConnection::on_head_timeout() {
    shared_->application.on_refused(Refusal::kHeadTimeout);
    refuse(ProtocolError{.status = 408,
                         .message = fmt::format("request head was not complete after {} ms",
                                                shared_->limits.header_timeout.count()),
                         .target = parser_.target()});
}

void ServerConnection::on_body_timeout() {
    shared_->application.on_refused(Refusal::kBodyTimeout);
    refuse(ProtocolError{.status = 408,
                         .message = pace_.complaint(shared_->limits, loop().now()),
                         .target = parser_.target()});
}

void ServerConnection::update_interest() {
    if (phase_ == Phase::kClosed) return;
    const std::size_t most = shared_->limits.max_pipelined * kPipelinedBytes;
    const bool held = phase_ == Phase::kIdle && unsent() > shared_->limits.high_water;
    const bool read = !eof_ && (phase_ >= Phase::kClosing || (in_.size() < most && !held));
    loop().change(transport_.fd(), transport_.interest(read, write_blocked_));
}

}  // namespace segue::net
