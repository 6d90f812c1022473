/// Keys that people are given: what one may do, how one is made, and where they are kept.
///
/// A key is `segue-<id>-<secret>`: eight hexadecimal digits that name it in lists, logs and
/// metrics, and 256 bits from the operating system's generator. Only SHA-256 of the whole text is
/// kept. A slow password hash would add nothing: it defends guessable secrets against someone who
/// has the file, and 2^256 cannot be guessed at any speed, while each request would pay for it.
///
/// Thread: values and pure functions; KeyFile may be used by several processes at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace segue::gateway {

/// Who waits behind whom where an engine is full.
enum class Priority : std::uint8_t { kInteractive, kBatch };
std::string_view priority_name(Priority priority);
std::optional<Priority> parse_priority(std::string_view name);

/// What a key may do. Absent or empty: no limit.
struct KeyRules {
    std::vector<std::string> models;  // client names, or patterns with '*'
    std::optional<std::int64_t> requests_per_minute;
    std::optional<std::int64_t> tokens_per_minute;
    std::optional<std::int64_t> streams;  // requests under way at the same time
    Priority priority = Priority::kInteractive;
    bool operator==(const KeyRules&) const = default;

    /// `name` as a client writes it or a list shows it. Case and `:latest` do not count.
    bool allows_model(std::string_view name) const;
};

using KeyHash = std::array<unsigned char, 32>;
KeyHash hash_key(std::string_view text);
/// In constant time.
bool equal(const KeyHash& a, const KeyHash& b);

struct Key {
    std::string id;         // "1a2b3c4d"
    std::string name;       // for people; unique among keys that are not revoked
    std::string last_four;  // of the secret, so that its holder can tell it from others
    KeyHash hash{};
    WallTime created{};
    std::optional<WallTime> expires;
    std::optional<WallTime> revoked;  // kept, so that lists and logs can still name it
    KeyRules rules;
    bool operator==(const Key&) const = default;

    bool usable(WallTime now) const { return !revoked && (!expires || now < *expires); }
};

/// The id inside a key's text; nothing when it has not the form of a key that Segue made.
std::optional<std::string_view> key_id(std::string_view text);

struct NewKey {
    Key key;
    std::string text;  // shown once, kept nowhere
};
/// kInternal when the operating system gives no random bytes.
Result<NewKey> make_key(std::string name, KeyRules rules, std::optional<WallTime> expires,
                        WallTime now);

inline constexpr std::size_t kMostKeys = 10'000;  // every one is a label of metrics
/// Ok, or what is wrong with it as the name of a key.
Result<void> good_key_name(std::string_view name);

/// The keys of one data folder (`keys.json`, for its owner only): all there are where there is no
/// store, else a copy of those in the store (key_table.hpp).
class KeyFile {
public:
    explicit KeyFile(const std::string& data_dir) : path_(data_dir + "/keys.json") {}
    const std::string& path() const { return path_; }

    /// No file is no keys; a file that cannot be read, or that Segue did not write, is an error.
    Result<std::vector<Key>> list() const;
    Result<void> add(Key key) const;
    /// `who` is an id or a name. Answers what was revoked; kNotFound when nothing can be.
    Result<Key> revoke(std::string_view who, WallTime now) const;

    /// Makes other keys of those in the file, while nobody else changes it; what comes out is
    /// written where it is something else.
    Result<std::vector<Key>> change(
        const std::function<Result<std::vector<Key>>(const std::vector<Key>&)>& make) const;

private:
    Result<void> write(const std::vector<Key>& keys) const;
    std::string path_;
};

}  // namespace segue::gateway
