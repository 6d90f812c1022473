#include "gateway/adaptive_limit.hpp"

#include <algorithm>
#include <cmath>

namespace segue::gateway {
namespace {

constexpr int kStart = 16;
constexpr std::size_t kFewest = 8;  // answers that a median is made of
constexpr std::size_t kMost = 256;
constexpr auto kWindow = std::chrono::seconds(1);
constexpr auto kStale = std::chrono::seconds(30);  // a window that never filled
constexpr auto kBaselineAge = std::chrono::minutes(10);
constexpr auto kSlack = std::chrono::milliseconds(10);  // noise of a fast engine is no queue
constexpr int kTolerance = 2;                           // times the baseline
constexpr double kDown = 0.9;
constexpr double kProbeDown = 0.5;  // a quarter less drowns in noise
constexpr double kFaster = 0.8;     // what makes it worth to probe further down
constexpr double kInUse = 0.8;      // of the limit; below, nothing is learned about more

int scaled(int limit, double by) {
    return std::min(static_cast<int>(std::floor(limit * by)), limit - 1);
}

}  // namespace

AdaptiveLimit::AdaptiveLimit(Options options)
    : options_{std::max(options.least, 1), std::max({options.most, options.least, 1})},
      limit_(std::clamp(kStart, options_.least, options_.most)) {
}

void AdaptiveLimit::on_first_event(TimePoint entered, std::int64_t in_flight, TimePoint now) {
    if (entered < changed_at_) return;
    if (seen_.empty() || now - window_began_ > kStale) {
        window_began_ = now;
        seen_.clear();
        next_ = 0;
        most_in_flight_ = 0;
    }
    if (seen_.size() < kMost) {
        seen_.push_back(now - entered);
    } else {
        seen_[next_++ % kMost] = now - entered;
    }
    most_in_flight_ = std::max(most_in_flight_, in_flight);
    if (seen_.size() < kFewest || now - window_began_ < kWindow) return;
    const auto middle = seen_.begin() + static_cast<std::ptrdiff_t>(seen_.size() / 2);
    std::nth_element(seen_.begin(), middle, seen_.end());
    const Duration median = *middle;
    seen_.clear();
    probe_ ? probed(median, now) : measured(median, now);
}

void AdaptiveLimit::measured(Duration median, TimePoint now) {
    const bool in_use = static_cast<double>(most_in_flight_) >= kInUse * limit_;
    const bool old = baseline_ && now - baseline_at_ >= kBaselineAge;
    if ((!baseline_ || (old && median > *baseline_)) && in_use && limit_ > options_.least)
        return probe_from(median, now);
    if (!baseline_ || old || median <= *baseline_) {
        baseline_ = median;
        baseline_at_ = now;
    }
    if (median > kTolerance * *baseline_ && median > *baseline_ + kSlack) {
        lower(now);
    } else if (in_use) {
        const int more = std::max(1, static_cast<int>(std::sqrt(limit_)));
        set_limit(limit_ + more, now);
    }
}

void AdaptiveLimit::probe_from(Duration median, TimePoint now) {
    probe_ = Probe{limit_, median};
    set_limit(scaled(limit_, kProbeDown), now);
}

void AdaptiveLimit::probed(Duration median, TimePoint now) {
    const Probe probe = *probe_;
    const bool faster = static_cast<double>(median.count()) <
                            kFaster * static_cast<double>(probe.median_before.count()) &&
                        median + kSlack < probe.median_before;
    if (faster && limit_ > options_.least) return probe_from(median, now);
    probe_.reset();
    baseline_ = std::min(median, probe.median_before);
    baseline_at_ = now;
    set_limit(faster ? limit_ : probe.limit_before, now);
}

void AdaptiveLimit::on_overload(TimePoint now) {
    // A burst of refusals has one reason.
    if (overloaded_at_ && now - *overloaded_at_ < kWindow) return;
    overloaded_at_ = now;
    lower(now);
}

void AdaptiveLimit::lower(TimePoint now) {
    if (probe_) probe_->limit_before = scaled(probe_->limit_before, kDown);
    set_limit(scaled(limit_, kDown), now);
}

void AdaptiveLimit::set_limit(int limit, TimePoint now) {
    limit = std::clamp(limit, options_.least, options_.most);
    if (limit == limit_) return;
    limit_ = limit;
    changed_at_ = now;
    seen_.clear();
}

}  // namespace segue::gateway
