/// One stream of an HTTP/2 connection: the request as it comes, the answer as it waits to be sent.
///
/// Thread: the connection's loop. The connection owns it until nghttp2 says that the stream is
/// closed; its exchange may be over before, while the answer's last bytes still wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/body_pace.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "net/server_exchange.hpp"

namespace segue::net {

class Http2Exchange;

struct Http2Stream {
    Http2Stream(std::int32_t number, const ServerShared& shared) : id(number), active(shared) {}

    std::int32_t id;
    // An answer whose last bytes still wait is under way, too.
    ActiveCount active;
    TimePoint started;

    // The request.
    RequestHead head;
    std::string authority;
    std::size_t head_bytes = 0;
    std::optional<ProtocolError> refusal;  // found while the head came
    std::uint64_t content_length = 0;
    bool expects_continue = false;
    bool head_complete = false;
    bool request_ended = false;
    std::uint64_t body_bytes = 0;
    std::uint64_t dropped = 0;  // body bytes that came after the answer
    BodyPace pace;
    TimerId body_timer;

    // The answer.
    std::string out;
    std::size_t out_sent = 0;
    bool head_submitted = false;
    bool has_body = false;
    bool answered = false;  // the exchange is over: nothing is added to `out`
    bool cut = false;       // what waits is sent, and then the stream is reset
    bool waiting = false;   // nghttp2 asks for bytes again only after a resume
    bool above_high_water = false;
    bool reset_by_us = false;
    TimerId stall_timer;
    TimePoint last_taken;

    std::shared_ptr<Http2Exchange> exchange;

    std::size_t unsent() const { return out.size() - out_sent; }
};

}  // namespace segue::net
