/// The loop's timers: a binary heap in which a cancelled timer stays behind as a dead entry, so
/// that cancelling is O(1). Deadlines are set and cancelled with every read and nearly none ever
/// fires. A minute's worth of dead entries would grow without bound: they are swept out together as
/// soon as there are more of them than of the living.
///
/// Thread: the loop's.
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
    std::size_t size() const { return heap_.size() - dead_; }
    /// With the dead ones: what memory is held for.
    std::size_t entries() const { return heap_.size(); }

private:
    static constexpr std::uint64_t kFree = ~std::uint64_t{0};
    struct Slot {
        Task action;
        std::uint64_t sequence = kFree;
        std::uint32_t generation = 1;
    };
    /// Everything that comparing needs lies in the heap itself.
    struct Entry {
        TimePoint deadline;
        std::uint64_t sequence;
        std::uint32_t slot;
    };
    static bool later(const Entry& a, const Entry& b);
    bool dead(const Entry& entry) const { return slots_[entry.slot].sequence != entry.sequence; }
    Task free(std::uint32_t slot);
    void drop_first();
    void bury();

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<Entry> heap_;  // the first one is never dead
    std::size_t dead_ = 0;     // entries of heap_
    std::uint64_t next_sequence_ = 0;
};

}  // namespace segue::net
