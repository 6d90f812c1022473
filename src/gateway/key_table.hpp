/// The keys of a store, and how they and a data folder's keys.json agree: a key that either has
/// is a key, and one that either revoked is revoked. The file stays a copy of the table, so that a
/// gateway has its keys before the store is there, and while it is away.
///
/// Thread: any; blocks on the store. Lifetime: the pool's.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/keys.hpp"
#include "store/pool.hpp"

namespace segue::gateway {

class KeyTable {
public:
    explicit KeyTable(store::Pool& pool) : pool_(pool) {}

    /// Oldest first.
    Result<std::vector<Key>> list();
    Result<void> add(const Key& key);
    /// As KeyFile::revoke.
    Result<Key> revoke(std::string_view who, WallTime now);
    /// Other than before: some key was added or revoked, by whomever.
    Result<std::int64_t> version();

    /// Takes what only the file has into the table, then writes the file as the table is. The keys
    /// of both. A key whose name another one has by now is called "NAME (ID)".
    Result<std::vector<Key>> agree_with(const KeyFile& file);

private:
    store::Pool& pool_;
};

}  // namespace segue::gateway
