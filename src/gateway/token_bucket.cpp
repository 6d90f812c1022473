#include "gateway/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace segue::gateway {

TokenBucket::TokenBucket(double per_minute, TimePoint now)
    : capacity_(per_minute),
      per_nanosecond_(per_minute / static_cast<double>(Duration(std::chrono::minutes(1)).count())),
      level_(per_minute),
      filled_(now) {
}

void TokenBucket::fill(TimePoint now) {
    if (now <= filled_) return;  // another worker's clock reading was a little later
    level_ = std::min(
        capacity_, level_ + static_cast<double>(Duration(now - filled_).count()) * per_nanosecond_);
    filled_ = now;
}

std::optional<Duration> TokenBucket::take(double amount, TimePoint now) {
    fill(now);
    // A hair less than asked for is enough: sums of doubles do not come out even.
    const double needed = std::min(amount, capacity_) - 1e-6;
    if (level_ >= needed) {
        level_ -= amount;
        return std::nullopt;
    }
    return Duration(static_cast<Duration::rep>(std::ceil((needed - level_) / per_nanosecond_)));
}

void TokenBucket::charge(double amount, TimePoint now) {
    fill(now);
    level_ = std::min(capacity_, level_ - amount);
}

double TokenBucket::level(TimePoint now) {
    fill(now);
    return level_;
}

}  // namespace segue::gateway
