#include "net/http2_connection.hpp"

#include <nghttp2/nghttp2.h>

#include <utility>

#include "base/check.hpp"
#include "net/http2_session.hpp"
#include "net/server_linger.hpp"

namespace segue::net {
namespace {

// Taken from the streams ahead of the socket: enough for one write.
constexpr std::size_t kOutTarget = 64 * 1024;
// A client needs one round trip to hear that no more streams are taken (RFC 9113 6.8).
constexpr std::chrono::milliseconds kDrainNotice{100};

}  // namespace

Http2Connection::Http2Connection(std::shared_ptr<ServerShared> shared, std::uint64_t id,
                                 Transport transport, std::string peer)
    : shared_(std::move(shared)),
      id_(id),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      session_(open_http2_session(*this)) {
}

Http2Connection::~Http2Connection() {
    SEGUE_CHECK(!transport_.is_open());
}

void Http2Connection::start() {
    loop().watch(transport_.fd(), Ready::kRead, *this);
    arm_idle();
    if (!early_.empty()) feed(std::exchange(early_, {}));
    if (!closed_) schedule_settle();
}

void Http2Connection::drain() {
    if (std::exchange(draining_, true) || closed_) return;
    if (streams_.empty()) {
        terminate(NGHTTP2_NO_ERROR);
        return;
    }
    nghttp2_submit_shutdown_notice(session_.get());
    drain_timer_ = loop().after(kDrainNotice, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        self->drain_timer_ = {};
        self->finish_drain();
    });
    schedule_settle();
}

void Http2Connection::finish_drain() {
    if (closed_ || terminated_) return;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    schedule_settle();
}

void Http2Connection::close_now() {
    if (closed_) return;
    const auto self = shared_from_this();
    tell_all_gone();
    close_socket();
}

Http2Stream* Http2Connection::find(std::int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
}

// ---- reading

void Http2Connection::on_ready(bool, bool) {
    const auto self = shared_from_this();
    if (write_blocked_) flush();
    if (closed_) return;
    std::size_t got = 0;
    switch (transport_.read(shared_->read_buffer, got)) {
        case Transport::Io::kBytes: feed({shared_->read_buffer.data(), got}); break;
        case Transport::Io::kAgain: break;
        case Transport::Io::kEnd:
        case Transport::Io::kBroken: close_now(); return;
    }
    if (!closed_) update_interest();
}

void Http2Connection::feed(std::string_view bytes) {
    const void* raw = bytes.data();
    const auto taken = nghttp2_session_mem_recv(
        session_.get(), static_cast<const std::uint8_t*>(raw), bytes.size());
    schedule_settle();
    if (taken < 0) {
        shared_->application.on_refused(taken == NGHTTP2_ERR_FLOODED ? Refusal::kFlood
                                                                     : Refusal::kMalformed);
        terminate(taken == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
                                               : NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (head_open_ && !head_timer_ && shared_->limits.header_timeout.count() > 0)
        head_timer_ = loop().after(shared_->limits.header_timeout, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self == nullptr) return;
            self->head_timer_ = {};
            self->shared_->application.on_refused(Refusal::kHeadTimeout);
            self->terminate(NGHTTP2_ENHANCE_YOUR_CALM);
        });
}

// ---- exchanges

void Http2Connection::queue_body(Http2Stream& stream, std::string_view bytes) {
    if (stream.unsent() == 0) stream.last_taken = loop().now();
    stream.out += bytes;
    if (stream.unsent() > shared_->limits.high_water) stream.above_high_water = true;
    arm_stall_timer(stream);
    resume(stream);
}

void Http2Connection::answer_finished(Http2Stream& stream) {
    stream.answered = true;
    retire(stream);
    resume(stream);
}

void Http2Connection::cut_answer(Http2Stream& stream) {
    stream.answered = stream.cut = true;
    retire(stream);
    if (!stream.head_submitted) {
        reset(stream, NGHTTP2_INTERNAL_ERROR);
    } else if (stream.has_body) {
        stream.reset_by_us = true;
        resume(stream);
    }
}

void Http2Connection::refuse(Http2Stream& stream, const ProtocolError& error) {
    const bool too_late = stream.head_submitted;
    tell_gone(stream);
    if (too_late) {
        reset(stream, NGHTTP2_CANCEL);
        return;
    }
    const auto [body, content_type] = shared_->application.render_error(error);
    Headers headers{{"content-type", content_type},
                    {"content-length", std::to_string(body.size())},
                    {"date", std::string(shared_->date())}};
    if (error.status == 503) headers.add("retry-after", "1");
    const bool bare = stream.head.method == "HEAD" || body.empty();
    submit_head(stream, error.status, headers, bare ? Body::kNo : Body::kYes);
    if (!bare) queue_body(stream, body);
    stream.answered = true;
}

void Http2Connection::retire(Http2Stream& stream) {
    if (stream.exchange == nullptr) return;
    stream.exchange->detach();
    retired_.add(std::move(stream.exchange));
    stream.exchange = nullptr;
    stream.above_high_water = false;
    schedule_settle();
}

void Http2Connection::tell_gone(Http2Stream& stream) {
    if (stream.exchange == nullptr) return;
    const auto exchange = stream.exchange;
    retire(stream);
    exchange->handler().on_client_gone();
}

void Http2Connection::tell_all_gone() {
    for (const auto& [id, stream] : streams_) {
        loop().cancel(stream->body_timer);
        loop().cancel(stream->stall_timer);
        tell_gone(*stream);
    }
}

// ---- deadlines

void Http2Connection::arm_idle() {
    loop().cancel(idle_timer_);
    const Duration wait = spoken_ ? shared_->limits.idle_timeout : shared_->limits.header_timeout;
    if (!streams_.empty() || closed_ || wait <= Duration::zero()) return;
    idle_timer_ = loop().after(wait, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        self->idle_timer_ = {};
        self->terminate(NGHTTP2_NO_ERROR);
    });
}

void Http2Connection::arm_body_timer(Http2Stream& stream) {
    loop().cancel(stream.body_timer);
    const Duration wait = stream.pace.patience(shared_->limits, loop().now());
    if (wait <= Duration::zero()) return;
    stream.body_timer = loop().after(wait, [weak = weak_from_this(), id = stream.id] {
        const auto self = weak.lock();
        Http2Stream* late = self != nullptr ? self->find(id) : nullptr;
        if (late == nullptr) return;
        late->body_timer = {};
        self->shared_->application.on_refused(Refusal::kBodyTimeout);
        if (late->exchange == nullptr) {
            self->reset(*late, NGHTTP2_NO_ERROR);
        } else {
            self->refuse(*late,
                         {408, late->pace.complaint(self->shared_->limits, self->loop().now()),
                          late->head.target});
        }
    });
}

// One timer for as long as bytes wait: who takes some only notes the time.
void Http2Connection::arm_stall_timer(Http2Stream& stream) {
    const Duration most = shared_->limits.write_timeout;
    if (stream.stall_timer || most <= Duration::zero()) return;
    const Duration left = stream.last_taken + most - loop().now();
    stream.stall_timer = loop().after(left, [weak = weak_from_this(), id = stream.id, most] {
        const auto self = weak.lock();
        Http2Stream* slow = self != nullptr ? self->find(id) : nullptr;
        if (slow == nullptr) return;
        slow->stall_timer = {};
        if (slow->unsent() == 0) return;
        // While the whole connection is blocked, its own watch decides.
        if (self->write_blocked_) slow->last_taken = self->loop().now();
        if (self->loop().now() < slow->last_taken + most) {
            self->arm_stall_timer(*slow);
            return;
        }
        self->shared_->application.on_refused(Refusal::kWriteTimeout);
        self->tell_gone(*slow);
        self->reset(*slow, NGHTTP2_ENHANCE_YOUR_CALM);
    });
}

// ---- writing

void Http2Connection::schedule_settle() {
    if (settle_scheduled_) return;
    settle_scheduled_ = true;
    loop().defer([self = shared_from_this()] { self->settle(); });
}

void Http2Connection::settle() {
    settle_scheduled_ = false;
    retired_.clear();
    if (closed_) return;
    flush();
    if (closed_) return;
    for (const std::int32_t id : std::exchange(drained_, {})) {
        Http2Stream* stream = find(id);
        if (stream == nullptr || stream->exchange == nullptr) continue;
        const auto exchange = stream->exchange;
        exchange->handler().on_drained();
    }
    update_interest();
}

// False when the session is broken.
bool Http2Connection::fill() {
    while (unsent() < kOutTarget) {
        const std::uint8_t* bytes = nullptr;
        const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
        if (size <= 0) return size == 0;
        const void* raw = bytes;
        out_.append(static_cast<const char*>(raw), static_cast<std::size_t>(size));
    }
    return true;
}

void Http2Connection::flush() {
    bool took = false;
    while (true) {
        if (!fill()) {
            close_now();
            return;
        }
        if (unsent() == 0) break;
        std::size_t put = 0;
        const auto io = transport_.write(std::string_view(out_).substr(out_sent_), put);
        if (io == Transport::Io::kAgain) break;
        if (io != Transport::Io::kBytes) {
            close_now();
            return;
        }
        took = true;
        out_sent_ += put;
        if (unsent() == 0) {
            out_.clear();
            out_sent_ = 0;
        }
    }
    if (out_sent_ > kOutTarget) out_.erase(0, std::exchange(out_sent_, 0));
    if (unsent() == 0 && streams_.empty() && out_.capacity() > 0) std::string().swap(out_);
    if (unsent() > 0 && (took || !write_blocked_))
        progress_.blocked(loop(), transport_, shared_->limits.write_timeout, [this] {
            const auto self = shared_from_this();
            shared_->application.on_refused(Refusal::kWriteTimeout);
            tell_all_gone();
            loop().unwatch(transport_.fd());
            transport_.reset();
            close_socket();
        });
    write_blocked_ = unsent() > 0;
    if (write_blocked_) return;
    progress_.clear();
    if (nghttp2_session_want_read(session_.get()) == 0 &&
        nghttp2_session_want_write(session_.get()) == 0)
        linger();
}

void Http2Connection::update_interest() {
    loop().change(transport_.fd(), transport_.interest(true, write_blocked_));
}

// ---- closing

void Http2Connection::linger() {
    const auto self = shared_from_this();
    tell_all_gone();
    stop_timers();
    closed_ = true;
    loop().unwatch(transport_.fd());
    const auto end = std::make_shared<ServerLinger>(shared_, id_, std::move(transport_));
    if (shared_->become) shared_->become(id_, end);
    end->start();
}

void Http2Connection::close_socket() {
    stop_timers();
    closed_ = true;
    if (transport_.is_open()) loop().unwatch(transport_.fd());
    transport_.close();
    if (shared_->on_closed) shared_->on_closed(id_);
}

void Http2Connection::stop_timers() {
    loop().cancel(idle_timer_);
    loop().cancel(head_timer_);
    loop().cancel(drain_timer_);
    progress_.cancel(loop());
}

}  // namespace segue::net
