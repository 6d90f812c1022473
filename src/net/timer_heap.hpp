/// The loop's timers: a binary heap that knows where each timer stands, so that cancelling takes it
/// out at once.
///
/// Thread: the loop's. Keep-alive and body deadlines are set and cancelled with every read; a heap
/// with lazy deletion would hold a minute's worth of dead entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "net/loop.hpp"

namespace segue::net {

class TimerHeap {
public:
    TimerId add(TimePoint deadline, Task action);
    /// False when the handle is stale.
    bool cancel(TimerId timer);
    std::optional<TimePoint> next_deadline() const;
    /// Marks the end of the timers that this round may fire: those added later wait for the next
    /// round.
    std::uint64_t mark() const { return next_sequence_; }
    /// Takes out the first timer that is due and was added before `mark`; empty when there is none.
    Task pop_due(TimePoint now, std::uint64_t mark);
    std::size_t size() const { return heap_.size(); }

private:
    struct Slot {
        Task action;
        TimePoint deadline;
        std::uint64_t sequence = 0;
        std::uint32_t generation = 1;
        std::size_t position = 0;  // in heap_, while taken
    };
    bool earlier(std::uint32_t a, std::uint32_t b) const;
    void place(std::size_t position, std::uint32_t slot);
    void sift_up(std::size_t position);
    void sift_down(std::size_t position);
    Task take(std::uint32_t slot);

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> heap_;
    std::uint64_t next_sequence_ = 0;
};

}  // namespace segue::net
