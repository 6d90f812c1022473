/// The circuit breaker of one engine: puts it aside after failures of requests, for a time that
/// grows with each ejection, then lets a few trial requests through and takes it back when they
/// went well.
///
/// Pure: time comes in with each call. Thread: none of its own; Engine guards it with a mutex.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"

namespace segue::engine {

/// What an engine may be blamed for. A client's faults (4xx, leaving) never come here, nor does an
/// engine that says it is busy (429, a full queue).
enum class EngineFault : std::uint8_t {
    kConnect,      // refused, unknown host, TLS, no connection in time
    kServerError,  // 5xx, or an error instead of an answer
    kStall,        // silence beyond first_event or between_events
    kBroken,       // the answer broke off, or was none
};
inline constexpr std::array kEngineFaults{EngineFault::kConnect, EngineFault::kServerError,
                                          EngineFault::kStall, EngineFault::kBroken};
/// "connect", "server_error", "stall", "broken".
std::string_view fault_name(EngineFault fault);

struct BreakerOptions {
    int failures = 3;           // in a row; 0 = this many never eject
    double failure_rate = 0.5;  // share of the requests in the window; 0 = the share never ejects
    int min_requests = 10;      // fewer in the window say nothing about a share
    std::chrono::milliseconds window{30'000};
    std::chrono::milliseconds ejection{1'000};  // the first; each further one is twice as long
    std::chrono::milliseconds max_ejection{30'000};
    int trials = 2;  // requests let through after an ejection; all must go well
    bool operator==(const BreakerOptions&) const = default;
};

class Breaker {
public:
    struct Closed {};
    struct Open {
        TimePoint until;
    };
    struct HalfOpen {
        int under_way = 0;
        int good = 0;
    };
    using State = std::variant<Closed, Open, HalfOpen>;

    /// What a request takes along and brings back. It belongs to the time between two ejections: a
    /// request that began before the last one says nothing about the engine now.
    struct Pass {
        std::uint32_t epoch = 0;
        bool trial = false;  // holds one of the places of half-open
    };
    struct Verdict {
        enum class Kind : std::uint8_t { kNone, kGood, kFailed } kind = Kind::kNone;
        EngineFault fault = EngineFault::kConnect;
        std::string detail = {};  // "connection refused"; Segue's own words, never the engine's
    };
    enum class Change : std::uint8_t { kNone, kEjected, kClosed };

    explicit Breaker(BreakerOptions options);

    /// Would enter() let a request through?
    bool admits(TimePoint now) const;
    /// Nothing when the engine is out, or all trial places are taken.
    std::optional<Pass> enter(TimePoint now);
    /// For a request that has nowhere else to go: an ejection never empties the pool.
    Pass force() const { return {epoch_, false}; }
    Change leave(Pass pass, TimePoint now, const Verdict& verdict);
    /// A health probe found the engine up after it was down: trials may begin at once.
    void restarted(TimePoint now);

    struct Report {
        State state;
        std::string reason;        // why it was ejected the last time; "" = never
        Duration until_trial{};    // while open
        Duration since{};          // in this state for so long
        Duration last_ejection{};  // how long the last one is or was
        int failures_in_a_row = 0;
        std::uint32_t window_requests = 0;
        std::uint32_t window_failures = 0;
        std::array<std::uint64_t, kEngineFaults.size()> ejections{};  // by the fault that did it
    };
    Report report(TimePoint now) const;
    const State& state() const { return state_; }

private:
    static constexpr std::size_t kSlots = 10;
    struct Slot {
        std::int64_t number = -1;  // which piece of time it counts
        std::uint32_t requests = 0;
        std::uint32_t failures = 0;
    };
    struct Sum {
        std::uint32_t requests = 0;
        std::uint32_t failures = 0;
    };
    std::int64_t slot_number(TimePoint now) const;
    void count(TimePoint now, bool failed);
    Sum sum(TimePoint now) const;
    Change eject(TimePoint now, EngineFault fault, std::string reason);
    Change take_good(TimePoint now);
    Change take_failure(TimePoint now, const Verdict& verdict);
    void close(TimePoint now);

    const BreakerOptions options_;
    State state_;
    std::uint32_t epoch_ = 0;  // ejections so far
    TimePoint since_{};
    int level_ = 0;  // how often the ejection time is doubled
    Duration last_ejection_{};
    std::string reason_;
    int failures_in_a_row_ = 0;
    std::array<Slot, kSlots> slots_{};
    std::array<std::uint64_t, kEngineFaults.size()> ejections_{};
};

/// "closed", "open", "half_open".
std::string_view state_name(const Breaker::State& state);
/// 0 closed, 1 half-open, 2 open: how far the engine is from taking requests.
int severity(const Breaker::State& state);

}  // namespace segue::engine
