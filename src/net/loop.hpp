/// One epoll loop: sockets, timers and calls posted from other threads.
///
/// Thread: everything but post() and stop() belongs to the thread that runs the loop. A worker owns
/// one loop and everything on it; loops share nothing. Lifetime: whatever is registered must be
/// taken away before the loop is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

namespace segue::net {

/// What a file descriptor is ready for.
enum class Ready : std::uint32_t { kNone = 0, kRead = 1, kWrite = 2, kReadWrite = 3 };

/// Told when a watched descriptor is ready. May unwatch or destroy itself during the call.
class Watcher {
public:
    virtual ~Watcher() = default;
    /// Errors and hang-ups arrive as readable and writable: the next read or write tells.
    virtual void on_ready(bool readable, bool writable) = 0;
};

/// Handle of a timer; a generation makes a stale one harmless (STYLE 17). Default-made: no timer.
struct TimerId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    explicit operator bool() const { return generation != 0; }
};

class Loop {
public:
    static Result<std::unique_ptr<Loop>> open();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs until stop(). May be called again after it returned.
    void run();
    /// From any thread, and from a signal handler's helper thread.
    void stop();
    /// Runs `task` on the loop's thread, in order of posting. From any thread.
    void post(Task task);

    /// Watches `fd` (edge-free: level-triggered) until unwatch(). One watcher a descriptor.
    void watch(int fd, Ready interest, Watcher& watcher);
    void change(int fd, Ready interest);
    void unwatch(int fd);

    /// Calls `action` once after `delay`. Setting and cancelling are O(log n) or better.
    TimerId after(Duration delay, Task action);
    /// Cancels and clears the handle; a handle that has fired or is empty is fine.
    void cancel(TimerId& timer);
    /// Runs `action` after the current round of events, before waiting again.
    void defer(Task action);

    /// The time at the start of this round; cheap.
    TimePoint now() const { return now_; }
    /// Reads the clock anew (for measured timings).
    TimePoint fresh_now();

private:
    Loop();
    struct Impl;
    std::unique_ptr<Impl> impl_;
    TimePoint now_;
};

}  // namespace segue::net
