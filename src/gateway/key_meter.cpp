#include "gateway/key_meter.hpp"

#include <algorithm>
#include <utility>

namespace segue::gateway {
namespace {

constexpr double kBytesPerToken = 4;  // English text; images and other scripts differ
constexpr double kMostGuessed = 4096;
constexpr double kNewShare = 0.2;  // of the latest request in the mean
constexpr auto kStreamsWait = std::chrono::seconds(1);

std::optional<TokenBucket> bucket(const std::optional<std::int64_t>& per_minute, TimePoint now) {
    if (!per_minute) return std::nullopt;
    return TokenBucket(static_cast<double>(*per_minute), now);
}

}  // namespace

std::string_view limit_name(KeyMeter::Limit limit) {
    switch (limit) {
        case KeyMeter::Limit::kRequests: return "requests";
        case KeyMeter::Limit::kTokens: return "tokens";
        case KeyMeter::Limit::kStreams: return "streams";
    }
    return "requests";
}

KeyLease& KeyLease::operator=(KeyLease&& other) noexcept {
    std::swap(meter_, other.meter_);
    std::swap(estimate_, other.estimate_);
    return *this;
}

KeyLease::~KeyLease() {
    if (meter_) meter_->end(estimate_, std::nullopt, TimePoint{});
}

void KeyLease::settle(std::optional<double> tokens, TimePoint now) {
    if (const auto meter = std::exchange(meter_, nullptr)) meter->end(estimate_, tokens, now);
}

KeyMeter::KeyMeter(const KeyRules& rules, TimePoint now)
    : rules_(rules),
      requests_(bucket(rules.requests_per_minute, now)),
      tokens_(bucket(rules.tokens_per_minute, now)) {
}

void KeyMeter::set_rules(const KeyRules& rules, TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (rules.requests_per_minute != rules_.requests_per_minute)
        requests_ = bucket(rules.requests_per_minute, now);
    if (rules.tokens_per_minute != rules_.tokens_per_minute)
        tokens_ = bucket(rules.tokens_per_minute, now);
    rules_ = rules;
}

tl::expected<KeyLease, KeyMeter::Refusal> KeyMeter::begin(std::size_t body_bytes, TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (rules_.streams && under_way_ >= *rules_.streams)
        return tl::unexpected(Refusal{Limit::kStreams, kStreamsWait});
    const double estimate = mean_tokens_.value_or(guess(body_bytes));
    if (requests_)
        if (const auto wait = requests_->take(1, now))
            return tl::unexpected(Refusal{Limit::kRequests, *wait});
    if (tokens_)
        if (const auto wait = tokens_->take(estimate, now)) {
            if (requests_) requests_->charge(-1, now);
            return tl::unexpected(Refusal{Limit::kTokens, *wait});
        }
    ++under_way_;
    KeyLease lease;
    lease.meter_ = shared_from_this();
    lease.estimate_ = estimate;
    return lease;
}

void KeyMeter::end(double estimate, std::optional<double> tokens, TimePoint now) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (!tokens) return;
    if (tokens_) tokens_->charge(*tokens - estimate, now);
    if (*tokens > 0)
        mean_tokens_ =
            mean_tokens_ ? *mean_tokens_ + kNewShare * (*tokens - *mean_tokens_) : *tokens;
}

double KeyMeter::guess(std::size_t body_bytes) {
    return std::min(static_cast<double>(body_bytes) / kBytesPerToken, kMostGuessed);
}

std::int64_t KeyMeter::under_way() const {
    const std::lock_guard lock(mutex_);
    return under_way_;
}

}  // namespace segue::gateway
