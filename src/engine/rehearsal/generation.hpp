/// Sends one answer at the pace of the profile, with the faults of its plan. Waits for a slot
/// first. Lives on the engine's loop, owned by its Exchange; destroying it frees the slot and, if
/// the answer was not finished, counts an abort.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/rehearsal/state.hpp"
#include "engine/rehearsal/writer.hpp"
#include "net/server.hpp"

namespace segue::engine::rehearsal {

class Generation {
public:
    Generation(EngineState& state, net::Responder& responder, net::Headers headers,
               std::unique_ptr<AnswerWriter> writer, FaultSet faults);
    ~Generation();
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    /// May answer at once, and then be destroyed by the connection before it returns.
    void begin();
    void on_drained();

private:
    void started();
    void run();
    void step();
    /// False when the answer ended, was cut, or goes silent: the caller must return without
    /// touching a member.
    bool send_piece();
    bool strike();
    void refuse(int status, std::string_view message);
    void complete();
    void settle();
    void flush();
    void send_head();
    Measured measured();

    EngineState& state_;
    net::Responder& responder_;
    net::Headers headers_;
    std::unique_ptr<AnswerWriter> writer_;
    FaultSet faults_;
    Slots::Ticket ticket_ = 0;
    net::TimerId timer_;
    std::string pending_;
    std::size_t position_ = 0;  // piece number, of all choices
    std::size_t longest_ = 0;
    std::uint32_t sent_ = 0;
    std::int64_t held_tokens_ = 0;  // this request's part of metrics.cached_tokens
    bool running_ = false;
    bool head_sent_ = false;
    bool paused_ = false;
    bool settled_ = false;
    TimePoint begun_{};
    TimePoint started_{};
    TimePoint first_{};
    TimePoint due_{};
};

}  // namespace segue::engine::rehearsal
