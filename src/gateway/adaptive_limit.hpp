/// How many requests an engine gets at a time, found out by watching it: additive increase,
/// multiplicative decrease on the latency of the first event.
///
/// An engine with continuous batching answers first events at about the same speed until its
/// batch or its KV cache is full; from then on requests wait inside it, where nobody can reorder,
/// move or refuse them, and that wait shows in the first event. So: the median of at least eight
/// answers over at least a second is compared with the baseline, the smallest such median of the
/// last ten minutes. More than twice the baseline: a tenth less. Otherwise, if the limit was
/// reached at all: a square root more. A refusal or a time-out of the engine is a tenth less at
/// once. Only requests that began under the present limit count.
///
/// A baseline is worth only as much as the engine had room when it was taken. So at the start, and
/// whenever it has grown old under load, the limit is halved for a second or two, and again as long
/// as that makes first events a fifth faster.
///
/// Where it comes from: AIMD with a latency threshold is Netflix' concurrency-limits (AIMDLimit;
/// the square root is the queue allowance of its Gradient2Limit); lowering the limit to measure is
/// BBR's ProbeRTT. Not taken: Gradient2's long-term mean, which learns a lasting overload as
/// normal; Envoy's adaptive concurrency, which drops to three requests to measure, too dear for a
/// GPU. The median, not the mean: prompts differ by a thousandfold in length.
///
/// Thread: a value; Admission serialises. Time is passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace segue::gateway {

class AdaptiveLimit {
public:
    struct Options {
        int least = 1;
        int most = 256;
    };
    explicit AdaptiveLimit(Options options);

    int limit() const { return limit_; }
    /// A request that was let in at `entered` got its first event now; `in_flight` are under way.
    void on_first_event(TimePoint entered, std::int64_t in_flight, TimePoint now);
    /// The engine refused for want of room, or did not answer in time.
    void on_overload(TimePoint now);
    /// First events of an engine that has room.
    std::optional<Duration> baseline() const { return baseline_; }

private:
    struct Probe {
        int limit_before = 0;
        Duration median_before{};
    };
    void measured(Duration median, TimePoint now);
    void probe_from(Duration median, TimePoint now);
    void probed(Duration median, TimePoint now);
    void lower(TimePoint now);
    void set_limit(int limit, TimePoint now);

    Options options_;
    int limit_;
    TimePoint changed_at_{};      // the limit
    std::vector<Duration> seen_;  // of the window; the oldest give way
    std::size_t next_ = 0;
    std::int64_t most_in_flight_ = 0;
    TimePoint window_began_{};
    std::optional<Duration> baseline_;
    TimePoint baseline_at_{};
    std::optional<TimePoint> overloaded_at_;
    std::optional<Probe> probe_;
};

}  // namespace segue::gateway
