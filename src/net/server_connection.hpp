/// One client connection that speaks HTTP/1: reads and parses requests, one exchange at a time, and
/// writes answers.
///
/// Thread: one loop. Held by shared_ptr: tasks deferred to the end of a round keep it alive until
/// they ran. Once closed it touches neither socket nor server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/body_pace.hpp"
#include "net/graveyard.hpp"
#include "net/http1_exchange.hpp"
#include "net/loop.hpp"
#include "net/request_parser.hpp"
#include "net/server.hpp"
#include "net/server_link.hpp"
#include "net/transport.hpp"
#include "net/write_progress.hpp"

namespace segue::net {

class ServerConnection final : public ServerLink,
                               public std::enable_shared_from_this<ServerConnection>,
                               private RequestParser::Sink {
public:
    /// How a connection that ends after its queued bytes is closed.
    enum class Ending : std::uint8_t { kOrderly, kReset };
    // A body that still comes after its answer is read up to here for the connection's sake; a
    // larger one costs the connection.
    static constexpr std::uint64_t kMaxDroppedBody = 256 * 1024;
    // A shut connection that brings nothing for this long is closed.
    static constexpr std::chrono::seconds kLingerQuiet{2};
    // A connection too many has this long to send the head that its refusal answers.
    static constexpr std::chrono::seconds kTurnedAwayWait{2};

    /// With a `refusal` the first request is answered by it, and no other follows.
    ServerConnection(std::shared_ptr<ServerShared> shared, std::uint64_t id, Transport transport,
                     std::string peer, std::unique_ptr<ProtocolError> refusal);
    ~ServerConnection() override;
    void start() override;
    void drain() override;
    void close_now() override;
    void drop_retired() override { retired_.clear(); }

    // For the exchange.
    Loop& loop() { return shared_->loop; }
    ServerShared& shared() { return *shared_; }
    std::string& out() { return out_; }
    std::size_t unsent() const { return out_.size() - out_sent_; }
    std::string_view date() { return shared_->date(); }
    /// Something was appended to out().
    void queued();
    void close_after_answer() { keep_alive_ = false; }
    /// At the moment the head is written: whether the connection stays.
    bool decide_keep_alive();
    void answer_finished();
    void cut_answer(Ending ending);

    void on_ready(bool readable, bool writable) override;

private:
    enum class Phase : std::uint8_t {
        kIdle,       // before the first byte of a request
        kHead,       // inside a head
        kBody,       // head complete, the request's body still comes
        kAnswering,  // the request is complete, its answer is not
        kClosing,    // what is queued is written, nothing else
        kLingering,  // all is written, our side is shut; reads until the client closes too
        kClosed,
    };

    RequestParser::Next on_head(ParsedHead head) override;
    RequestParser::Next on_body(std::string_view bytes) override;
    RequestParser::Next on_request_end() override;

    bool reads_requests() const { return phase_ <= Phase::kBody; }
    void read_some();
    void on_eof();
    void on_broken();
    void tell_gone();
    void process(std::string_view bytes);
    void advance();
    void pump();
    void refuse(const ProtocolError& error);
    void become_http2(std::string_view rest);
    void retire_exchange();
    void schedule_settle();
    void settle();
    void flush();
    void after_flush();
    void begin_close(Ending ending);
    void finish_close();
    void await_acknowledged(int tries_left);
    void reset_socket();
    void close_socket();
    void update_interest();
    void set_phase(Phase phase);
    void arm_phase();
    void arm(Duration delay);
    void on_timeout();
    void on_head_timeout();
    void on_body_timeout();
    void on_stalled();

    std::shared_ptr<ServerShared> shared_;
    std::uint64_t id_;
    Transport transport_;
    std::string peer_;
    RequestParser parser_;
    Phase phase_ = Phase::kIdle;
    Ending ending_ = Ending::kOrderly;
    std::string in_;  // read, not parsed yet: pipelined requests
    std::string out_;
    std::size_t out_sent_ = 0;
    std::shared_ptr<Http1Exchange> exchange_;
    Graveyard<std::shared_ptr<Http1Exchange>> retired_;
    std::unique_ptr<ProtocolError> refusal_;
    TimerId timer_;
    WriteProgress progress_;
    TimePoint linger_until_;
    TimePoint request_started_;
    BodyPace pace_;
    std::uint64_t body_left_ = 0;  // of a body with a length
    std::uint64_t dropped_ = 0;    // body bytes that came after the answer
    bool body_chunked_ = false;
    bool continue_pending_ = false;  // the client waits for "100 Continue" or an answer
    bool keep_alive_ = true;
    bool processing_ = false;   // inside process(): it goes on by itself
    bool phase_begun_ = false;  // inside process(): the timer is still another phase's
    bool settle_scheduled_ = false;
    bool above_high_water_ = false;
    bool write_blocked_ = false;
    bool eof_ = false;
    bool served_ = false;  // a request came
};

}  // namespace segue::net
