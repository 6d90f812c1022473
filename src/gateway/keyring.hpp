/// All keys in force, for looking one up on the request path: those of the configuration (`keys:`,
/// without limits) and those that `segue keys` made.
///
/// Thread: immutable, one snapshot a reload; what keys have used (KeyMeter) is shared by
/// successive snapshots, so that a reload forgets nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/key_meter.hpp"
#include "gateway/keys.hpp"

namespace segue::gateway {

/// Who asks: a key and what it has used.
struct KeyHolder {
    Key key;
    std::shared_ptr<KeyMeter> meter;  // null: nothing to count
};

class Keyring {
public:
    Keyring() = default;
    Keyring(const std::vector<std::string>& configured, const std::vector<Key>& kept,
            const Keyring* before, TimePoint now);

    /// Some key was given out: from then on every request needs one, even when all are revoked.
    bool required() const { return !configured_.empty() || !kept_.empty(); }
    /// Some key opens the door now.
    bool usable(WallTime now) const;

    enum class Standing : std::uint8_t { kGood, kUnknown, kExpired };
    struct Found {
        Standing standing = Standing::kUnknown;
        const KeyHolder* holder = nullptr;  // owned by the keyring; only when kGood
    };
    /// A revoked key is as unknown as one that never was. Takes the same time whichever of the
    /// configured keys matches; which id is known is no secret.
    Found find(std::string_view given, WallTime now) const;

private:
    std::vector<KeyHolder> configured_;
    std::unordered_map<std::string, KeyHolder> kept_;  // by id
};

/// No holder, no limit.
inline bool may_use(const KeyHolder* holder, std::string_view model) {
    return !holder || holder->key.rules.allows_model(model);
}
/// Limited to some models: such a key neither makes names nor moves models.
inline bool is_limited(const KeyHolder* holder) {
    return holder && !holder->key.rules.models.empty();
}

}  // namespace segue::gateway
