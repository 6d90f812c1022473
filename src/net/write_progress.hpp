/// Notices that a client takes nothing of what waits for it.
///
/// Thread: the connection's loop. One timer for as long as bytes wait: a write only notes its time.
#pragma once

#include <functional>
#include <utility>

#include "net/loop.hpp"
#include "net/transport.hpp"

namespace segue::net {

class WriteProgress {
public:
    /// A write left bytes behind. `stalled` is called when nothing more was taken for `most`.
    void blocked(Loop& loop, const Transport& transport, Duration most,
                 std::function<void()> stalled) {
        last_ = loop.now();
        queue_ = transport.not_acknowledged();
        blocked_ = true;
        if (!timer_ && most > Duration::zero()) watch(loop, transport, most, std::move(stalled));
    }
    /// Nothing waits any more. A timer that runs finds so by itself.
    void clear() { blocked_ = false; }
    void cancel(Loop& loop) { loop.cancel(timer_); }

private:
    void watch(Loop& loop, const Transport& transport, Duration most,
               std::function<void()> stalled) {
        timer_ = loop.after(last_ + most - loop.now(), [this, &loop, &transport, most,
                                                        stalled = std::move(stalled)]() mutable {
            timer_ = {};
            if (blocked_) check(loop, transport, most, std::move(stalled));
        });
    }
    // The kernel tells that a socket is writable only when a third of its buffer is free, megabytes
    // perhaps: what a slow client acknowledged meanwhile counts, too.
    void check(Loop& loop, const Transport& transport, Duration most,
               std::function<void()> stalled) {
        const int queue = transport.not_acknowledged();
        if (queue < std::exchange(queue_, queue)) last_ = loop.now();
        if (loop.now() < last_ + most) {
            watch(loop, transport, most, std::move(stalled));
        } else {
            stalled();
        }
    }

    TimerId timer_;
    TimePoint last_;
    int queue_ = 0;
    bool blocked_ = false;
};

}  // namespace segue::net
