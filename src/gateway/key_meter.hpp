/// Counts what one key uses and refuses what is over its limits.
///
/// Tokens are known only after an answer, so a request is let in with an estimate in its place:
/// the key's own mean so far, or a quarter of the body's bytes before there is one. Afterwards the
/// estimate is replaced by what was observed, into debt if need be.
///
/// Thread: any; one mutex a key, held for a few additions. Keys without limits are not counted.
/// Lifetime: shared by a key's holders over reloads and by requests under way.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "gateway/keys.hpp"
#include "gateway/token_bucket.hpp"

namespace segue::gateway {

class KeyMeter;

/// One request under way; ends with the object.
class KeyLease {
public:
    KeyLease() = default;
    KeyLease(KeyLease&& other) noexcept = default;
    KeyLease& operator=(KeyLease&& other) noexcept;
    ~KeyLease();
    /// The answer is over. `tokens` that were used; nothing when nobody can tell: the estimate
    /// stays then, unless the engine was never reached (zero).
    void settle(std::optional<double> tokens, TimePoint now);

private:
    friend class KeyMeter;
    std::shared_ptr<KeyMeter> meter_;
    double estimate_ = 0;
};

class KeyMeter : public std::enable_shared_from_this<KeyMeter> {
public:
    KeyMeter(const KeyRules& rules, TimePoint now);

    enum class Limit : std::uint8_t { kRequests, kTokens, kStreams };
    struct Refusal {
        Limit limit = Limit::kRequests;
        Duration wait{};  // until it is worth trying again
    };
    /// A lease, or why not.
    tl::expected<KeyLease, Refusal> begin(std::size_t body_bytes, TimePoint now);
    /// New limits; what was used so far stays used where a limit did not change.
    void set_rules(const KeyRules& rules, TimePoint now);
    std::int64_t under_way() const;
    /// Tokens of a prompt that nobody counted.
    static double guess(std::size_t body_bytes);

private:
    friend class KeyLease;
    void end(double estimate, std::optional<double> tokens, TimePoint now);

    mutable std::mutex mutex_;
    KeyRules rules_;
    std::optional<TokenBucket> requests_;
    std::optional<TokenBucket> tokens_;
    std::int64_t under_way_ = 0;
    std::optional<double> mean_tokens_;
};

std::string_view limit_name(KeyMeter::Limit limit);

}  // namespace segue::gateway
