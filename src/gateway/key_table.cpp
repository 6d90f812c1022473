#include "gateway/key_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tuple>

namespace segue::gateway {
namespace {

using Number = std::optional<std::int64_t>;
using Time = std::optional<WallTime>;

constexpr std::string_view kColumns =
    "id, name, last_four, hash, created, expires, revoked, models, requests_per_minute, "
    "tokens_per_minute, streams, priority";
// The types of kColumns, as template arguments.
#define SEGUE_KEY_ROW                                                          \
    std::string, std::string, std::string, store::Bytes, WallTime, Time, Time, \
        std::vector<std::string>, Number, Number, Number, std::string

Key key_of(const std::tuple<SEGUE_KEY_ROW>& row) {
    Key key;
    std::string hash;
    std::string priority;
    store::Bytes bytes;
    std::tie(key.id, key.name, key.last_four, bytes, key.created, key.expires, key.revoked,
             key.rules.models, key.rules.requests_per_minute, key.rules.tokens_per_minute,
             key.rules.streams, priority) = row;
    std::memcpy(key.hash.data(), bytes.data.data(), std::min(bytes.data.size(), key.hash.size()));
    key.rules.priority = parse_priority(priority).value_or(Priority::kInteractive);
    return key;
}

store::Bytes hash_of(const Key& key) {
    const void* raw = key.hash.data();
    return {std::string(static_cast<const char*>(raw), key.hash.size())};
}

Result<std::uint64_t> insert(store::Connection& c, const Key& key) {
    return c.execute(
        fmt::format("INSERT INTO api_key ({}, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
                    "$10, $11, $12, nextval('api_key_changes')) ON CONFLICT (id) DO NOTHING",
                    kColumns),
        key.id, key.name, key.last_four, hash_of(key), key.created, key.expires, key.revoked,
        key.rules.models, key.rules.requests_per_minute, key.rules.tokens_per_minute,
        key.rules.streams, priority_name(key.rules.priority));
}

Result<bool> is_taken(store::Connection& c, const std::string& name) {
    SEGUE_TRY(row, c.one<bool>("SELECT EXISTS (SELECT FROM api_key WHERE name = $1 AND revoked IS "
                               "NULL)",
                               name));
    return row && std::get<0>(*row);
}

Result<std::vector<Key>> list_of(store::Connection& c) {
    SEGUE_TRY(rows, (c.query<SEGUE_KEY_ROW>(
                        fmt::format("SELECT {} FROM api_key ORDER BY created, id", kColumns))));
    std::vector<Key> keys;
    for (const auto& row : rows)
        keys.push_back(key_of(row));
    return keys;
}

}  // namespace

Result<std::vector<Key>> KeyTable::list() {
    return pool_.read([](store::Connection& c) { return list_of(c); });
}

Result<void> KeyTable::add(const Key& key) {
    SEGUE_TRY_VOID(good_key_name(key.name));
    const auto done = pool_.transaction([&](store::Connection& c) -> Result<int> {
        SEGUE_TRY(locked, c.execute("LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE"));
        (void)locked;
        SEGUE_TRY(count, c.one<std::int64_t>("SELECT count(*) FROM api_key"));
        if (std::get<0>(*count) >= static_cast<std::int64_t>(kMostKeys))
            return fail(
                Fault::kTooLarge,
                fmt::format("there are {} keys, revoked ones too, which is the most", kMostKeys));
        SEGUE_TRY(taken, is_taken(c, key.name));
        if (taken)
            return fail(Fault::kConflict,
                        fmt::format("a key is called '{}' already; choose another name, or revoke "
                                    "that one first",
                                    key.name));
        SEGUE_TRY(kept, insert(c, key));
        if (kept == 0) return fail(Fault::kConflict, "the new key's id is taken; try again");
        return 0;
    });
    if (!done) return tl::make_unexpected(done.error());
    return {};
}

Result<Key> KeyTable::revoke(std::string_view who, WallTime now) {
    SEGUE_TRY(row, (pool_.transaction([&](store::Connection& c) {
                  // An id before a name: somebody may call a key like another one's id.
                  return c.one<SEGUE_KEY_ROW>(
                      fmt::format("UPDATE api_key SET revoked = $2, changed = "
                                  "nextval('api_key_changes') WHERE id = (SELECT id FROM api_key "
                                  "WHERE revoked IS NULL AND (id = $1 OR name = $1) ORDER BY id <> "
                                  "$1 LIMIT 1) RETURNING {}",
                                  kColumns),
                      who, WallTime(std::chrono::seconds(unix_seconds(now))));
              })));
    if (!row)
        return fail(Fault::kNotFound,
                    fmt::format("no key that is not revoked has the id or name '{}'; segue keys "
                                "list shows them",
                                who));
    return key_of(*row);
}

Result<std::int64_t> KeyTable::version() {
    SEGUE_TRY(row, pool_.one<std::int64_t>("SELECT coalesce(max(changed), 0) FROM api_key"));
    return row ? std::get<0>(*row) : 0;
}

Result<std::vector<Key>> KeyTable::agree_with(const KeyFile& file) {
    return file.change([&](const std::vector<Key>& in_file) {
        return pool_.transaction([&](store::Connection& c) -> Result<std::vector<Key>> {
            SEGUE_TRY(locked, c.execute("LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE"));
            (void)locked;
            SEGUE_TRY(known, list_of(c));
            for (Key key : in_file) {
                const auto same = std::find_if(known.begin(), known.end(),
                                               [&](const Key& one) { return one.id == key.id; });
                if (same == known.end()) {
                    SEGUE_TRY(taken, is_taken(c, key.name));
                    if (taken && !key.revoked) key.name += " (" + key.id + ")";
                    SEGUE_TRY(kept, insert(c, key));
                    (void)kept;
                } else if (key.revoked && !same->revoked) {
                    SEGUE_TRY(revoked, c.execute("UPDATE api_key SET revoked = $2, changed = "
                                                 "nextval('api_key_changes') WHERE id = $1",
                                                 key.id, *key.revoked));
                    (void)revoked;
                }
            }
            return list_of(c);
        });
    });
}

}  // namespace segue::gateway
