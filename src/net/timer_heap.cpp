#include "net/timer_heap.hpp"

#include <utility>

namespace segue::net {

TimerId TimerHeap::add(TimePoint deadline, Task action) {
    std::uint32_t index;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    Slot& slot = slots_[index];
    slot.action = std::move(action);
    slot.deadline = deadline;
    slot.sequence = next_sequence_++;
    heap_.push_back(index);
    slot.position = heap_.size() - 1;
    sift_up(slot.position);
    return TimerId{.slot = index, .generation = slot.generation};
}

bool TimerHeap::cancel(TimerId timer) {
    if (!timer || timer.slot >= slots_.size()) return false;
    if (slots_[timer.slot].generation != timer.generation) return false;
    // The action is destroyed only after the heap is consistent again: its captures may call back.
    const Task dropped = take(timer.slot);
    return true;
}

std::optional<TimePoint> TimerHeap::next_deadline() const {
    if (heap_.empty()) return std::nullopt;
    return slots_[heap_.front()].deadline;
}

Task TimerHeap::pop_due(TimePoint now, std::uint64_t mark) {
    if (heap_.empty()) return {};
    const Slot& first = slots_[heap_.front()];
    if (first.deadline > now || first.sequence >= mark) return {};
    return take(heap_.front());
}

bool TimerHeap::earlier(std::uint32_t a, std::uint32_t b) const {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.deadline != y.deadline ? x.deadline < y.deadline : x.sequence < y.sequence;
}

void TimerHeap::place(std::size_t position, std::uint32_t slot) {
    heap_[position] = slot;
    slots_[slot].position = position;
}

void TimerHeap::sift_up(std::size_t position) {
    const std::uint32_t slot = heap_[position];
    while (position > 0) {
        const std::size_t parent = (position - 1) / 2;
        if (!earlier(slot, heap_[parent])) break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, slot);
}

void TimerHeap::sift_down(std::size_t position) {
    const std::uint32_t slot = heap_[position];
    for (;;) {
        std::size_t child = 2 * position + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) ++child;
        if (!earlier(heap_[child], slot)) break;
        place(position, heap_[child]);
        position = child;
    }
    place(position, slot);
}

Task TimerHeap::take(std::uint32_t slot) {
    const std::size_t position = slots_[slot].position;
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (last != slot) {
        place(position, last);
        sift_up(position);
        sift_down(slots_[last].position);
    }
    Slot& freed = slots_[slot];
    if (++freed.generation == 0) freed.generation = 1;  // 0 means "no timer"
    free_.push_back(slot);
    return std::move(freed.action);
}

}  // namespace segue::net
