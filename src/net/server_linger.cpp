#include "net/server_linger.hpp"

#include <algorithm>

namespace segue::net {

void ServerLinger::start() {
    transport_.shut();
    until_ = shared_->loop.now() + kTotal;
    shared_->loop.watch(transport_.fd(), Ready::kRead, *this);
    wait();
}

void ServerLinger::wait() {
    shared_->loop.cancel(timer_);
    const Duration left = std::min<Duration>(until_ - shared_->loop.now(), kQuiet);
    if (left <= Duration::zero()) {
        close_now();
        return;
    }
    timer_ = shared_->loop.after(left, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->close_now();
    });
}

void ServerLinger::on_ready(bool, bool) {
    const auto self = shared_from_this();
    switch (transport_.drop(shared_->read_buffer)) {
        case Transport::Io::kBytes: wait(); return;
        case Transport::Io::kAgain: return;
        case Transport::Io::kEnd:
        case Transport::Io::kBroken: close_now(); return;
    }
}

void ServerLinger::close_now() {
    if (!transport_.is_open()) return;
    const auto self = shared_from_this();
    shared_->loop.cancel(timer_);
    shared_->loop.unwatch(transport_.fd());
    transport_.close();
    if (shared_->on_closed) shared_->on_closed(id_);
}

}  // namespace segue::net
