#include "gateway/keyring.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace segue::gateway {

Keyring::Keyring(const std::vector<std::string>& configured, const std::vector<Key>& kept,
                 const Keyring* before, TimePoint now) {
    for (const auto& text : configured) {
        KeyHolder holder;
        // A number, not a piece of the key: it is read in logs and metrics.
        holder.key.id = fmt::format("config-{}", configured_.size() + 1);
        holder.key.hash = hash_key(text);
        configured_.push_back(std::move(holder));
    }
    for (const auto& key : kept) {
        KeyHolder holder{key, nullptr};
        const KeyRules& rules = key.rules;
        if (rules.requests_per_minute || rules.tokens_per_minute || rules.streams) {
            if (before)
                if (const auto old = before->kept_.find(key.id); old != before->kept_.end())
                    holder.meter = old->second.meter;
            if (holder.meter)
                holder.meter->set_rules(rules, now);
            else
                holder.meter = std::make_shared<KeyMeter>(rules, now);
        }
        kept_.insert_or_assign(key.id, std::move(holder));
    }
}

bool Keyring::usable(WallTime now) const {
    return !configured_.empty() || std::any_of(kept_.begin(), kept_.end(), [&](const auto& entry) {
        return entry.second.key.usable(now);
    });
}

Keyring::Found Keyring::find(std::string_view given, WallTime now) const {
    if (given.empty()) return {};
    const KeyHash hash = hash_key(given);
    Found found;
    for (const auto& holder : configured_)
        if (equal(holder.key.hash, hash)) found = {Standing::kGood, &holder};
    if (found.holder) return found;
    const auto id = key_id(given);
    if (!id) return {};
    const auto kept = kept_.find(std::string(*id));
    if (kept == kept_.end() || !equal(kept->second.key.hash, hash)) return {};
    const Key& key = kept->second.key;
    if (key.revoked) return {};
    if (!key.usable(now)) return {Standing::kExpired, nullptr};
    return {Standing::kGood, &kept->second};
}

}  // namespace segue::gateway
