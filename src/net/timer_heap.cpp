#include "net/timer_heap.hpp"

#include <algorithm>
#include <utility>

namespace segue::net {
namespace {

constexpr std::size_t kFewDead = 64;  // not worth a sweep

}  // namespace

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
    slot.sequence = next_sequence_++;
    heap_.push_back({deadline, slot.sequence, index});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return TimerId{.slot = index, .generation = slot.generation};
}

bool TimerHeap::cancel(TimerId timer) {
    if (!timer || timer.slot >= slots_.size()) return false;
    if (slots_[timer.slot].generation != timer.generation) return false;
    // The action is destroyed only after the heap is consistent again: its captures may call back.
    const Task dropped = free(timer.slot);
    ++dead_;
    bury();
    return true;
}

std::optional<TimePoint> TimerHeap::next_deadline() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().deadline;
}

Task TimerHeap::pop_due(TimePoint now, std::uint64_t mark) {
    if (heap_.empty()) return {};
    const Entry first = heap_.front();
    if (first.deadline > now || first.sequence >= mark) return {};
    drop_first();
    Task action = free(first.slot);
    bury();
    return action;
}

bool TimerHeap::later(const Entry& a, const Entry& b) {
    return a.deadline != b.deadline ? a.deadline > b.deadline : a.sequence > b.sequence;
}

Task TimerHeap::free(std::uint32_t index) {
    Slot& slot = slots_[index];
    slot.sequence = kFree;
    if (++slot.generation == 0) slot.generation = 1;  // 0 means "no timer"
    free_.push_back(index);
    return std::move(slot.action);
}

void TimerHeap::drop_first() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
}

void TimerHeap::bury() {
    if (dead_ > kFewDead && dead_ > heap_.size() / 2) {
        std::erase_if(heap_, [this](const Entry& entry) { return dead(entry); });
        std::make_heap(heap_.begin(), heap_.end(), later);
        dead_ = 0;
    }
    while (dead_ > 0 && dead(heap_.front())) {
        drop_first();
        --dead_;
    }
}

}  // namespace segue::net
