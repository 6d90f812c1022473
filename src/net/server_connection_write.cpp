// The writing half of a connection: queued bytes, back-pressure, and how it ends.

#include <chrono>
#include <utility>

#include "net/server_connection.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// After our side is shut: a client that still sends (a body we refused) needs this time to come to
// read the answer.
constexpr seconds kLingerTotal{30};
// A closing connection whose client takes nothing for this long is given up.
constexpr seconds kStalledWrite{30};
constexpr milliseconds kAcknowledgePoll{5};
constexpr int kAcknowledgeTries = 200;
constexpr std::size_t kKeptBuffer = 128 * 1024;

}  // namespace

// ---- answering

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
    retired_.add(std::move(exchange_));
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
    retired_.clear();
    if (phase_ == Phase::kClosed) return;
    pump();
    flush();
    if (phase_ != Phase::kClosed) update_interest();
}

void ServerConnection::flush() {
    const std::size_t before = unsent();
    const bool was_blocked = write_blocked_;
    while (phase_ != Phase::kClosed && unsent() > 0) {
        std::size_t put = 0;
        const auto io = transport_.write(std::string_view(out_).substr(out_sent_), put);
        if (io == Transport::Io::kAgain) break;
        if (io != Transport::Io::kBytes) {
            on_broken();
            return;
        }
        out_sent_ += put;
    }
    if (phase_ == Phase::kClosed) return;
    if (unsent() > 0 && (!write_blocked_ || unsent() < before))
        progress_.blocked(loop(), transport_, shared_->limits.write_timeout,
                          [this] { on_stalled(); });
    write_blocked_ = unsent() > 0;
    if (!write_blocked_) {
        progress_.clear();
        out_.clear();
        out_sent_ = 0;
        if (out_.capacity() > kKeptBuffer) out_.shrink_to_fit();
    } else if (out_sent_ > kKeptBuffer) {
        out_.erase(0, std::exchange(out_sent_, 0));
    }
    if (was_blocked && unsent() < before && phase_ == Phase::kIdle)
        set_phase(Phase::kIdle);  // it still takes its answer
    after_flush();
}

void ServerConnection::on_stalled() {
    const auto self = shared_from_this();
    shared_->application.on_refused(Refusal::kWriteTimeout);
    tell_gone();
    reset_socket();
}

void ServerConnection::after_flush() {
    if (phase_ == Phase::kClosing) {
        if (write_blocked_) {
            arm(kStalledWrite);
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
    transport_.shut();
    set_phase(Phase::kLingering);
    linger_until_ = loop().now() + kLingerTotal;
    arm(kLingerQuiet);
}

// A reset may overtake what was sent before it, so it waits until the client's side has everything.
void ServerConnection::await_acknowledged(int tries_left) {
    if (tries_left > 0 && transport_.not_acknowledged() > 0) {
        timer_ = loop().after(kAcknowledgePoll, [self = shared_from_this(), tries_left] {
            self->timer_ = {};
            self->await_acknowledged(tries_left - 1);
        });
        return;
    }
    reset_socket();
}

void ServerConnection::reset_socket() {
    if (phase_ == Phase::kClosed) return;
    loop().unwatch(transport_.fd());
    transport_.reset();
    close_socket();
}

void ServerConnection::close_socket() {
    if (phase_ == Phase::kClosed) return;
    const auto self = shared_from_this();
    phase_ = Phase::kClosed;
    loop().cancel(timer_);
    progress_.cancel(loop());
    if (transport_.is_open()) loop().unwatch(transport_.fd());
    transport_.close();
    in_.clear();
    out_.clear();
    out_sent_ = 0;
    if (shared_->on_closed) shared_->on_closed(id_);
}

}  // namespace segue::net
