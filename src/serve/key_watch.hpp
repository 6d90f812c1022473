/// Keeps the gateway's keys as the key file has them: a key that was made opens the door, and one
/// that was revoked shuts it, within a moment and without a signal.
///
/// The file is looked at (one stat) four times a second. inotify would not see what another machine
/// writes to a shared volume.
///
/// Thread: its own; may be made and destroyed by any. Lifetime: shorter than the gateway's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/result.hpp"
#include "gateway/gateway.hpp"
#include "gateway/keys.hpp"

namespace segue::serve {

class KeyWatch {
public:
    /// Reads the file once; a ruined one is an error. Watches from start() on.
    static Result<std::unique_ptr<KeyWatch>> open(gateway::KeyFile file, gateway::Gateway& gateway);
    ~KeyWatch();
    KeyWatch(const KeyWatch&) = delete;
    KeyWatch& operator=(const KeyWatch&) = delete;

    void start();
    /// While set, a file without any key is not followed: the last key would leave the door open.
    void keep_last_key(bool keep) { keep_last_.store(keep, std::memory_order_relaxed); }
    const gateway::KeyFile& file() const { return file_; }

private:
    KeyWatch(gateway::KeyFile file, gateway::Gateway& gateway)
        : file_(std::move(file)), gateway_(gateway) {}
    using Look = std::tuple<std::int64_t, std::int64_t, std::uint64_t, std::int64_t>;
    Look look() const;  // modified (s, ns), inode, size; zeros: no file
    void run(std::stop_token stop);
    void follow();

    const gateway::KeyFile file_;
    gateway::Gateway& gateway_;
    std::atomic<bool> keep_last_{false};
    Look seen_{};
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace segue::serve
