/// When a rehearsal engine says what: time to first token, gaps, jitter, slower under load, and a
/// queue when all slots are taken. No clock in here: it turns a profile and a seed into durations,
/// the caller sets the timers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace segue::engine::rehearsal {

/// The defaults are fast, but slow enough to see an answer grow.
struct TimingProfile {
    double ttft_ms = 50;
    double tokens_per_second = 60;         // of one stream; 0 = all at once
    double prefill_tokens_per_second = 0;  // 0 = reading the prompt takes no time
    double jitter = 0;                     // 0.2: every duration varies by up to 20 % either way
    double slowdown = 0;                   // share by which each further running request slows all
    std::size_t slots = 16;                // requests that run at once; others wait
    std::size_t queue_limit = 512;         // waiting requests; more are refused with 503
};

/// Everything at once: for tests.
TimingProfile instant_profile();
/// {"ttft_ms":200,"tokens_per_second":30,…}; absent members keep `base`'s value, unknown ones are
/// an error.
Result<TimingProfile> read_timing_profile(json::Value value, TimingProfile base = {});

/// Draws durations; the same seed gives the same ones.
class Pace {
public:
    Pace(TimingProfile profile, std::uint64_t seed) : profile_(profile), random_(seed) {}
    Duration first_token(std::int64_t prompt_tokens, std::size_t running);
    Duration gap(std::size_t running);

private:
    Duration vary(double milliseconds, std::size_t running);
    TimingProfile profile_;
    Random random_;
};

/// The places of an engine. First come, first served. One thread.
class Slots {
public:
    using Ticket = std::uint64_t;  // 0 = refused
    Slots(std::size_t slots, std::size_t queue_limit) : slots_(slots), queue_limit_(queue_limit) {}
    /// Calls `start` now if a place is free, else when one is. The ticket must be given back with
    /// leave(), started or not. `start` must not call enter() or leave() itself.
    Ticket enter(std::function<void()> start);
    void leave(Ticket ticket);
    std::size_t running() const { return running_.size(); }
    std::size_t waiting() const { return waiting_.size(); }

private:
    std::size_t slots_;
    std::size_t queue_limit_;
    Ticket next_ = 1;
    std::unordered_set<Ticket> running_;
    std::deque<std::pair<Ticket, std::function<void()>>> waiting_;
};

}  // namespace segue::engine::rehearsal
