/// A rate that allows bursts: a bucket that holds one minute's worth and fills evenly. It may be
/// charged below zero, because what a request costs is known only after its answer; then nothing
/// goes until the debt is paid.
///
/// Thread: a value; its owner serialises. Time is passed in.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace segue::gateway {

class TokenBucket {
public:
    /// Full at first.
    TokenBucket(double per_minute, TimePoint now);

    /// Takes `amount` when that much is there (or the bucket is full: what is larger than the
    /// bucket must go at some time). Otherwise takes nothing and says how long it will be.
    std::optional<Duration> take(double amount, TimePoint now);
    /// Takes without asking; negative gives back.
    void charge(double amount, TimePoint now);
    double level(TimePoint now);

private:
    void fill(TimePoint now);
    double capacity_;
    double per_nanosecond_;
    double level_;
    TimePoint filled_;
};

}  // namespace segue::gateway
