/// Keeps the gateway's keys as the store has them, or, where there is none, the key file: a key
/// that was made opens the door, and one that was revoked shuts it, within a moment and without a
/// signal.
///
/// The file is looked at (one stat) four times a second, the store once a second. inotify would not
/// see what another machine writes to a shared volume; with a store the file is a copy of it, and
/// what somebody puts into it (a command that could not reach the store) goes into the store too.
///
/// Thread: its own; made and destroyed by any, list(), add() and revoke() from any. Lifetime:
/// shorter than the gateway's and the store's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/result.hpp"
#include "gateway/gateway.hpp"
#include "gateway/key_table.hpp"
#include "gateway/keys.hpp"
#include "store/store.hpp"

namespace segue::serve {

class KeyWatch {
public:
    /// Reads the file once; a ruined one is an error. Watches from start() on. `store` null: none.
    static Result<std::unique_ptr<KeyWatch>> open(gateway::KeyFile file, gateway::Gateway& gateway,
                                                  store::Store* store);
    ~KeyWatch();
    KeyWatch(const KeyWatch&) = delete;
    KeyWatch& operator=(const KeyWatch&) = delete;

    void start();
    /// The keys of the store, where it is there within that time; before start().
    void wait_for_store(std::chrono::milliseconds patience);
    /// While set, a file without any key is not followed: the last key would leave the door open.
    void keep_last_key(bool keep) { keep_last_.store(keep, std::memory_order_relaxed); }
    const gateway::KeyFile& file() const { return file_; }

    // What Segue's own API asks for; in force at once.
    Result<std::vector<gateway::Key>> list();
    Result<void> add(const gateway::Key& key);
    Result<gateway::Key> revoke(std::string_view who, WallTime now);

private:
    KeyWatch(gateway::KeyFile file, gateway::Gateway& gateway, store::Store* store);
    using Look = std::tuple<std::int64_t, std::int64_t, std::uint64_t, std::int64_t>;
    Look look() const;  // modified (s, ns), inode, size; zeros: no file
    void run(std::stop_token stop);
    void look_at_file();
    void look_at_store(bool due);  // until they agreed once, due or not
    Result<void> agree();
    void take(std::vector<gateway::Key> keys, std::string_view from);
    bool in_store() const { return table_ && store_->ready(); }

    const gateway::KeyFile file_;
    gateway::Gateway& gateway_;
    store::Store* const store_;
    std::unique_ptr<gateway::KeyTable> table_;  // null: no store
    std::atomic<bool> keep_last_{false};
    std::mutex agreeing_;  // the members below
    Look seen_{};
    bool agreed_ = false;        // once, since the start
    std::int64_t version_ = -1;  // of the table, when it was read
    std::string complaint_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace segue::serve
