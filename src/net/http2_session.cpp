// What nghttp2 tells and asks: heads, bodies, the ends of streams, bytes to send.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "net/http2_connection.hpp"
#include "net/http2_session.hpp"
#include "net/request_rules.hpp"

namespace segue::net {
namespace {

// A client may send so much of a body before we say more: enough for a fast network.
constexpr std::uint32_t kStreamWindow = 256 * 1024;
constexpr std::int32_t kConnectionWindow = 1024 * 1024;
// A head that is so many times too large is no mistake (CONTINUATION floods, HPACK bombs).
constexpr std::size_t kHopelessHead = 8;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    const void* raw = bytes;
    return {static_cast<const char*>(raw), size};
}

}  // namespace

struct Http2Callbacks {
    static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }
    static bool ends_stream(const nghttp2_frame& frame) {
        return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    }

    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            self(user).on_head_begins(frame->hd.stream_id);
        return 0;
    }
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                         std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                         std::uint8_t, void* user) {
        if (Http2Stream* stream = self(user).find(frame->hd.stream_id))
            self(user).on_header(*stream, view(name, name_size), view(value, value_size));
        return 0;
    }
    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Connection& own = self(user);
        if (!std::exchange(own.spoken_, true)) own.arm_idle();
        Http2Stream* stream = own.find(frame->hd.stream_id);
        switch (frame->hd.type) {
            case NGHTTP2_HEADERS:
                if (stream == nullptr) break;
                if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
                    own.on_head_end(*stream, ends_stream(*frame));
                } else if (ends_stream(*frame)) {
                    own.on_request_end(*stream);
                }
                break;
            case NGHTTP2_DATA:
                if (frame->hd.length == 0 && !ends_stream(*frame)) own.on_idle_frame();
                if (stream != nullptr && ends_stream(*frame)) own.on_request_end(*stream);
                break;
            case NGHTTP2_PING:
            case NGHTTP2_SETTINGS:
            case NGHTTP2_PRIORITY:
            case NGHTTP2_RST_STREAM: own.on_idle_frame(); break;
            default: break;
        }
        return 0;
    }
    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                       std::size_t size, void* user) {
        if (Http2Stream* stream = self(user).find(id))
            self(user).on_body(*stream, view(bytes, size));
        return 0;
    }
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        self(user).on_stream_closed(id, error);
        return 0;
    }
    static int on_invalid(nghttp2_session*, const nghttp2_frame*, int, void* user) {
        self(user).shared_->application.on_refused(Refusal::kMalformed);
        return 0;
    }
    static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        const bool answers = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
        if (!answers || !ends_stream(*frame)) return 0;
        if (Http2Stream* stream = self(user).find(frame->hd.stream_id))
            self(user).on_answer_sent(*stream);
        return 0;
    }
    static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into,
                             std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                             void* user) {
        Http2Stream* stream = self(user).find(id);
        if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        bool last = false;
        const std::ptrdiff_t size = self(user).take_body(*stream, into, most, last);
        if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return size;
    }

    static nghttp2_session* open(Http2Connection& own) {
        nghttp2_session_callbacks* calls = nullptr;
        SEGUE_CHECK(nghttp2_session_callbacks_new(&calls) == 0);
        nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_invalid);
        nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_sent);
        nghttp2_option* options = nullptr;
        SEGUE_CHECK(nghttp2_option_new(&options) == 0);
        nghttp2_option_set_no_closed_streams(options, 1);  // we use no priorities
        nghttp2_session* session = nullptr;
        SEGUE_CHECK(nghttp2_session_server_new2(&session, calls, &own, options) == 0);
        nghttp2_option_del(options);
        nghttp2_session_callbacks_del(calls);
        const ServerLimits& limits = own.shared_->limits;
        const nghttp2_settings_entry settings[] = {
            {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
             static_cast<std::uint32_t>(limits.max_streams)},
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
             static_cast<std::uint32_t>(limits.max_header_bytes)}};
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
        return session;
    }
};

nghttp2_session* open_http2_session(Http2Connection& connection) {
    return Http2Callbacks::open(connection);
}

void Http2Connection::FreeSession::operator()(nghttp2_session* session) const {
    nghttp2_session_del(session);
}

// ---- requests

void Http2Connection::on_head_begins(std::int32_t id) {
    auto stream = std::make_unique<Http2Stream>(id, *shared_);
    stream->started = loop().now();
    streams_.insert_or_assign(id, std::move(stream));
    head_open_ = true;
    loop().cancel(idle_timer_);
}

void Http2Connection::on_header(Http2Stream& stream, std::string_view name,
                                std::string_view value) {
    const ServerLimits& limits = shared_->limits;
    stream.head_bytes += name.size() + value.size() + 4;  // as in HTTP/1: ": " and the line's end
    if (stream.head_bytes > kHopelessHead * limits.max_header_bytes) {
        flooded();
        return;
    }
    if (stream.refusal || stream.head_complete) return;  // trailers are of no interest
    if (stream.head_bytes > limits.max_header_bytes) {
        stream.refusal = ProtocolError{
            431,
            "the headers are larger than " + std::to_string(limits.max_header_bytes) + " bytes",
            stream.head.target};
    } else if (name == ":method") {
        stream.head.method = value;
    } else if (name == ":path") {
        stream.head.target = value;
    } else if (name == ":authority") {
        stream.authority = value;
    } else if (name.starts_with(':')) {
        return;  // :scheme
    } else if (stream.head.headers.size() >= limits.max_headers) {
        stream.refusal =
            ProtocolError{431, "more than " + std::to_string(limits.max_headers) + " headers",
                          stream.head.target};
    } else {
        // nghttp2 has checked that it is a number, and checks the body against it.
        if (name == "content-length")
            std::from_chars(value.data(), value.data() + value.size(), stream.content_length);
        stream.head.headers.add(name, value);
    }
}

std::optional<ProtocolError> Http2Connection::check_head(Http2Stream& stream) {
    if (stream.refusal) return stream.refusal;
    RequestHead& head = stream.head;
    const auto wrong = [&](int status, std::string message) {
        return ProtocolError{status, std::move(message), head.target};
    };
    const auto host = head.headers.find("host");
    if (host && !stream.authority.empty() && !iequals(*host, stream.authority))
        return wrong(400, "Host and :authority name different servers");
    if (!host && stream.authority.empty()) return wrong(400, "missing :authority");
    if (!host) head.headers.add("host", stream.authority);
    if (!is_host_value(*head.headers.find("host"))) return wrong(400, "malformed :authority");
    if (auto bad = split_target(head)) return bad;
    if (const auto expect = head.headers.find("expect")) {
        if (!iequals(*expect, "100-continue")) return wrong(417, "unknown expectation");
        stream.expects_continue = true;
    }
    const std::size_t most = shared_->limits.max_body_bytes;
    if (stream.content_length > most)
        return wrong(413, "request body of " + std::to_string(stream.content_length) +
                              " bytes is larger than " + std::to_string(most) + " bytes");
    return std::nullopt;
}

void Http2Connection::on_head_end(Http2Stream& stream, bool last) {
    head_open_ = false;
    loop().cancel(head_timer_);
    stream.head_complete = true;
    stream.pace.start(loop().now());
    stream.head.peer = peer_;
    if (shared_->draining) drain();
    if (!last) arm_body_timer(stream);
    if (const auto wrong = check_head(stream)) {
        shared_->application.on_refused(wrong->status == 413 || wrong->status == 431
                                            ? Refusal::kTooLarge
                                            : Refusal::kMalformed);
        stream.request_ended = last;
        refuse(stream, *wrong);
        return;
    }
    const auto exchange = std::make_shared<Http2Exchange>(*this, stream, *shared_);
    stream.exchange = exchange;
    exchange->set_handler(shared_->application.make_handler(*exchange));
    RequestHead head = std::exchange(stream.head, {});
    stream.head.method = head.method;  // for what may be refused later
    stream.head.target = head.target;
    if (stream.exchange == exchange) exchange->handler().on_head(std::move(head));
    if (last) {
        on_request_end(stream);
    } else if (stream.expects_continue && stream.exchange != nullptr && !stream.head_submitted) {
        submit_continue(stream);
    }
}

void Http2Connection::on_body(Http2Stream& stream, std::string_view bytes) {
    const std::size_t most = shared_->limits.max_body_bytes;
    stream.body_bytes += bytes.size();
    stream.pace.add(bytes.size());
    arm_body_timer(stream);
    if (stream.exchange == nullptr) {
        stream.dropped += bytes.size();
        if (stream.dropped > kMaxDroppedBody) reset(stream, NGHTTP2_NO_ERROR);
        return;
    }
    body_held_ += bytes.size();
    if (stream.body_bytes > most) {
        shared_->application.on_refused(Refusal::kTooLarge);
        refuse(stream, {413, "request body is larger than " + std::to_string(most) + " bytes",
                        stream.head.target});
    } else if (body_held_ > 2 * most) {
        shared_->application.on_refused(Refusal::kTooLarge);
        refuse(stream, {503, "too many large bodies come over one connection", stream.head.target});
    } else {
        const auto exchange = stream.exchange;
        exchange->handler().on_body(bytes);
    }
}

void Http2Connection::release_body(Http2Stream& stream) {
    body_held_ -= std::min(body_held_, stream.body_bytes - stream.dropped);
    stream.body_bytes = stream.dropped = 0;
}

void Http2Connection::on_request_end(Http2Stream& stream) {
    if (std::exchange(stream.request_ended, true)) return;
    loop().cancel(stream.body_timer);
    release_body(stream);
    if (stream.exchange == nullptr) return;
    const auto exchange = stream.exchange;
    exchange->handler().on_body_end();
}

void Http2Connection::on_stream_closed(std::int32_t id, std::uint32_t error) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    const std::unique_ptr<Http2Stream> stream = std::move(found->second);
    streams_.erase(found);
    if (!stream->head_complete) {
        head_open_ = false;
        loop().cancel(head_timer_);
    }
    loop().cancel(stream->body_timer);
    loop().cancel(stream->stall_timer);
    if (!stream->request_ended) release_body(*stream);
    tell_gone(*stream);
    if (error != NGHTTP2_NO_ERROR && !stream->reset_by_us &&
        resets_.over(kMaxResetsPerSecond, loop().now()))
        flooded();
    if (!streams_.empty()) return;
    if (draining_) terminate(NGHTTP2_NO_ERROR);
    arm_idle();
}

void Http2Connection::on_idle_frame() {
    if (idle_frames_.over(kMaxIdleFramesPerSecond, loop().now())) flooded();
}

void Http2Connection::flooded() {
    if (terminated_) return;
    shared_->application.on_refused(Refusal::kFlood);
    tell_all_gone();  // at once: such a client may not even read that it is over
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Http2Connection::terminate(std::uint32_t code) {
    if (std::exchange(terminated_, true)) return;
    nghttp2_session_terminate_session(session_.get(), code);
    schedule_settle();
}

// ---- answers

void Http2Connection::submit_head(Http2Stream& stream, int status, const Headers& headers,
                                  Body body) {
    const std::string code = std::to_string(status);
    const auto entry = [](std::string_view name, std::string_view value) {
        // nghttp2 copies both; its structure is not const only by history.
        const void* name_raw = name.data();
        const void* value_raw = value.data();
        return nghttp2_nv{const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(name_raw)),
                          const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(value_raw)),
                          name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    };
    std::vector<nghttp2_nv> list;
    list.reserve(headers.size() + 1);
    list.push_back(entry(":status", code));
    for (const auto& [name, value] : headers.entries())
        list.push_back(entry(name, value));
    nghttp2_data_provider provider{};
    provider.read_callback = Http2Callbacks::read_body;
    stream.head_submitted = true;
    stream.has_body = body == Body::kYes;
    nghttp2_submit_response(session_.get(), stream.id, list.data(), list.size(),
                            stream.has_body ? &provider : nullptr);
    schedule_settle();
}

void Http2Connection::submit_continue(Http2Stream& stream) {
    static char name[] = ":status";
    static char value[] = "100";
    void* name_raw = name;
    void* value_raw = value;
    const nghttp2_nv line{static_cast<std::uint8_t*>(name_raw),
                          static_cast<std::uint8_t*>(value_raw), sizeof name - 1, sizeof value - 1,
                          NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id, nullptr, &line, 1,
                           nullptr);
    schedule_settle();
}

std::ptrdiff_t Http2Connection::take_body(Http2Stream& stream, std::uint8_t* into, std::size_t most,
                                          bool& last) {
    const std::size_t size = std::min(most, stream.unsent());
    if (size == 0) {
        if (stream.cut) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
        last = stream.answered;
        stream.waiting = !last;
        return last ? 0 : NGHTTP2_ERR_DEFERRED;
    }
    std::memcpy(into, stream.out.data() + stream.out_sent, size);
    stream.out_sent += size;
    stream.last_taken = loop().now();
    if (stream.unsent() == 0) {
        stream.out.clear();
        stream.out_sent = 0;
        last = stream.answered && !stream.cut;
    }
    if (stream.unsent() <= shared_->limits.low_water &&
        std::exchange(stream.above_high_water, false))
        drained_.push_back(stream.id);
    return static_cast<std::ptrdiff_t>(size);
}

void Http2Connection::resume(Http2Stream& stream) {
    if (std::exchange(stream.waiting, false))
        nghttp2_session_resume_data(session_.get(), stream.id);
    schedule_settle();
}

void Http2Connection::on_answer_sent(Http2Stream& stream) {
    if (stream.request_ended) return;  // nghttp2 closes the stream
    // The client still sends a body that nobody reads: a short one may end, a long one is stopped.
    const bool is_short =
        stream.content_length > 0 && stream.content_length <= stream.body_bytes + kMaxDroppedBody;
    if (!is_short) reset(stream, NGHTTP2_NO_ERROR);
}

void Http2Connection::reset(Http2Stream& stream, std::uint32_t code) {
    stream.reset_by_us = true;
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, code);
    schedule_settle();
}

}  // namespace segue::net
