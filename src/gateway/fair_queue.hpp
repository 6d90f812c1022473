/// Who comes next where an engine is full: interactive before batch, and between keys the one that
/// has been served least.
///
/// Fairness is the virtual token counter of Sheng et al., "Fairness in Serving Large Language
/// Models" (OSDI 2024): each key has a counter of what it was given (prompt tokens, and twice the
/// tokens of answers); the waiting key with the smallest counter is next; a key that comes back
/// after a pause is lifted to where the others stand, so that idling saves nothing. Deficit round
/// robin was left aside: it needs the size of a request beforehand, and here that is known only
/// after the answer.
///
/// Batch can starve behind interactive requests; its deadline then ends the wait. A full queue
/// makes room by sending away the newest request of the key that has most waiting: batch before
/// interactive, and within a class only where the newcomer's key has less.
///
/// Thread: a value; Admission serialises. No clock: deadlines are compared with what is passed in.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "gateway/keys.hpp"

namespace segue::gateway {

class FairQueue {
public:
    using Ticket = std::uint64_t;
    struct Entry {
        Ticket ticket = 0;
        std::string key;  // id, "" = nobody was asked for one
        Priority priority = Priority::kInteractive;
        TimePoint deadline{};
    };
    explicit FairQueue(std::size_t capacity) : capacity_(capacity) {}

    enum class Pushed : std::uint8_t { kQueued, kFull };
    struct PushResult {
        Pushed pushed = Pushed::kFull;
        std::optional<Ticket> displaced;  // had to make room
    };
    PushResult push(Entry entry);

    struct Popped {
        std::optional<Ticket> next;
        std::vector<Ticket> expired;  // met on the way: their deadline has passed
    };
    /// `cost` is what is charged until charge() knows better.
    Popped pop(double cost, TimePoint now);
    /// False when it does not wait any more.
    bool erase(Ticket ticket);
    /// Adds to what a key was given; keys that are not in the race are not kept.
    void charge(std::string_view key, double cost);

    std::size_t size() const { return waiting_[0] + waiting_[1]; }
    std::size_t size(Priority priority) const {
        return waiting_[static_cast<std::size_t>(priority)];
    }
    void set_capacity(std::size_t capacity) { capacity_ = capacity; }

private:
    struct Waiting {
        Ticket ticket;
        TimePoint deadline;
    };
    struct Flow {
        double served = 0;
        std::array<std::deque<Waiting>, 2> lanes;  // by priority
        bool empty() const { return lanes[0].empty() && lanes[1].empty(); }
    };
    using Flows = std::map<std::string, Flow, std::less<>>;
    bool make_room(const Entry& entry, Ticket& displaced);
    void removed(std::size_t lane);

    std::size_t capacity_;
    Flows flows_;
    std::array<std::size_t, 2> waiting_{};
    double floor_ = 0;  // counter of the last one served
};

}  // namespace segue::gateway
