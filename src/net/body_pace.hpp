/// When a request's body comes too slowly: a limit between two reads, and a least rate once the
/// first such time is over. Reads alone prove nothing: a byte now and then would hold a connection
/// for hours.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "net/server.hpp"

namespace segue::net {

class BodyPace {
public:
    void start(TimePoint now) {
        started_ = now;
        received_ = 0;
    }
    void add(std::size_t bytes) { received_ += bytes; }
    /// How long to wait for the next byte; zero: without limit.
    Duration patience(const ServerLimits& limits, TimePoint now) const {
        if (!has_rate(limits)) return limits.body_timeout;
        return std::clamp<Duration>(due(limits) - now, std::chrono::milliseconds(1),
                                    limits.body_timeout);
    }
    /// What to tell a client whose patience() is over.
    std::string complaint(const ServerLimits& limits, TimePoint now) const {
        if (has_rate(limits) && received_ > 0 && now >= due(limits))
            return "the request body came slower than " + std::to_string(limits.min_body_rate) +
                   " bytes a second";
        return "no byte of the request body for " + std::to_string(limits.body_timeout.count()) +
               " ms";
    }

private:
    static bool has_rate(const ServerLimits& limits) {
        return limits.min_body_rate > 0 && limits.body_timeout.count() > 0;
    }
    TimePoint due(const ServerLimits& limits) const {
        return started_ + limits.body_timeout +
               std::chrono::milliseconds(received_ * 1000 / limits.min_body_rate);
    }
    TimePoint started_;
    std::uint64_t received_ = 0;
};

}  // namespace segue::net
