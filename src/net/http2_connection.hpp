/// One client connection that speaks HTTP/2 (nghttp2 inside): each stream is a request with an
/// exchange and a handler of its own.
///
/// Thread: one loop. Held by shared_ptr: tasks deferred to the end of a round keep it alive until
/// they ran. nghttp2's callbacks only note what came and queue what goes; bytes are made and
/// written at the end of the round.
///
/// Memory: a stream holds what its handler queued (high_water stops the producer); the connection
/// takes from the streams only as much as the socket is about to take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/graveyard.hpp"
#include "net/http2_exchange.hpp"
#include "net/http2_stream.hpp"
#include "net/server_link.hpp"
#include "net/transport.hpp"
#include "net/write_progress.hpp"

// nghttp2's own names, so that its header stays in http2_*.cpp.
struct nghttp2_session;

namespace segue::net {

/// More than `most` events within a second?
class RateMeter {
public:
    bool over(std::uint32_t most, TimePoint now) {
        if (now - begin_ >= std::chrono::seconds(1)) {
            begin_ = now;
            count_ = 0;
        }
        return ++count_ > most;
    }

private:
    TimePoint begin_;
    std::uint32_t count_ = 0;
};

class Http2Connection final : public ServerLink,
                              public std::enable_shared_from_this<Http2Connection> {
public:
    enum class Body : bool { kNo, kYes };
    static constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // A body that still comes after its answer is read up to here; then the stream is reset.
    static constexpr std::uint64_t kMaxDroppedBody = 256 * 1024;
    // Requests that a client takes back cost us work and the client nothing (CVE-2023-44487).
    static constexpr std::uint32_t kMaxResetsPerSecond = 100;
    // Frames that ask for nothing: PING, SETTINGS, PRIORITY, empty DATA.
    static constexpr std::uint32_t kMaxIdleFramesPerSecond = 1000;

    Http2Connection(std::shared_ptr<ServerShared> shared, std::uint64_t id, Transport transport,
                    std::string peer);
    ~Http2Connection() override;
    /// Bytes that the link before read already, from the preface on; before start().
    void give(std::string bytes) { early_ = std::move(bytes); }
    void start() override;
    void drain() override;
    void close_now() override;
    void drop_retired() override { retired_.clear(); }
    void on_ready(bool readable, bool writable) override;

    // For the exchange.
    void submit_head(Http2Stream& stream, int status, const Headers& headers, Body body);
    void queue_body(Http2Stream& stream, std::string_view bytes);
    void answer_finished(Http2Stream& stream);
    void cut_answer(Http2Stream& stream);

private:
    friend struct Http2Callbacks;
    struct FreeSession {
        void operator()(nghttp2_session* session) const;
    };
    Loop& loop() { return shared_->loop; }
    Http2Stream* find(std::int32_t id);

    // What nghttp2 tells.
    void on_head_begins(std::int32_t id);
    void on_header(Http2Stream& stream, std::string_view name, std::string_view value);
    void on_head_end(Http2Stream& stream, bool last);
    void on_body(Http2Stream& stream, std::string_view bytes);
    void on_request_end(Http2Stream& stream);
    void on_stream_closed(std::int32_t id, std::uint32_t error);
    void on_idle_frame();
    void on_answer_sent(Http2Stream& stream);
    std::ptrdiff_t take_body(Http2Stream& stream, std::uint8_t* into, std::size_t most, bool& last);

    std::optional<ProtocolError> check_head(Http2Stream& stream);
    void submit_continue(Http2Stream& stream);
    void release_body(Http2Stream& stream);
    void flooded();
    void refuse(Http2Stream& stream, const ProtocolError& error);
    void reset(Http2Stream& stream, std::uint32_t code);
    void tell_gone(Http2Stream& stream);
    void tell_all_gone();
    void retire(Http2Stream& stream);
    void resume(Http2Stream& stream);
    void arm_body_timer(Http2Stream& stream);
    void arm_stall_timer(Http2Stream& stream);
    void terminate(std::uint32_t code);
    void finish_drain();

    std::size_t unsent() const { return out_.size() - out_sent_; }
    void feed(std::string_view bytes);
    bool fill();
    void flush();
    void schedule_settle();
    void settle();
    void arm_idle();
    void update_interest();
    void linger();
    void close_socket();
    void stop_timers();

    std::shared_ptr<ServerShared> shared_;
    std::uint64_t id_;
    Transport transport_;
    std::string peer_;
    std::unique_ptr<nghttp2_session, FreeSession> session_;
    std::unordered_map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
    Graveyard<std::shared_ptr<Http2Exchange>> retired_;
    std::vector<std::int32_t> drained_;  // streams whose producers may go on
    std::string early_;
    std::string out_;
    std::size_t out_sent_ = 0;
    std::uint64_t body_held_ = 0;  // of requests whose bodies are not whole yet
    WriteProgress progress_;
    TimerId idle_timer_;
    TimerId head_timer_;
    TimerId drain_timer_;
    RateMeter resets_;
    RateMeter idle_frames_;
    bool spoken_ = false;     // the client's first frame came
    bool head_open_ = false;  // a head has begun and is not whole
    bool draining_ = false;
    bool terminated_ = false;
    bool write_blocked_ = false;
    bool settle_scheduled_ = false;
    bool closed_ = false;
};

}  // namespace segue::net
