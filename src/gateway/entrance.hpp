/// Finds a request its slot: at the best of its candidates, else at another one that has room, else
/// in a queue. The part of Dispatch that talks to Admission.
///
/// Thread: one worker. Lifetime: owned by the Dispatch; a wake-up from another worker that comes
/// after the end finds nobody.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/registry.hpp"
#include "gateway/admission.hpp"
#include "gateway/record.hpp"
#include "llm/failure.hpp"
#include "net/loop.hpp"

namespace segue::gateway {

class Entrance {
public:
    /// Told once, at once or later: a slot, or why there is none.
    using Done = std::function<void(llm::Outcome<Slot>)>;

    Entrance(net::Loop& loop, telemetry::Shard& shard, RequestRecord& record,
             std::shared_ptr<const AdmissionTable> doors)
        : loop_(loop), shard_(shard), record_(record), doors_(std::move(doors)) {}
    ~Entrance() { leave(); }
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;

    /// No engine has a limit: nothing to ask for.
    bool open() const { return !doors_; }
    /// Puts the candidate whose slot it is at `candidates[from]`, which must stay until `done`.
    void enter(engine::Candidates& candidates, std::size_t from, Done done);
    /// Out of the queue, untold.
    void leave();

private:
    struct Ear;
    void wait(Place place, const engine::Engine& engine, Duration longest);
    void woken();
    void waited(std::string_view outcome);
    void refuse(Duration wait, std::string message);
    std::function<void()> wake();

    net::Loop& loop_;
    telemetry::Shard& shard_;
    RequestRecord& record_;
    const std::shared_ptr<const AdmissionTable> doors_;
    Done done_;
    std::shared_ptr<Ear> ear_;  // what a wake-up finds; null while nothing waits
    std::optional<Place> place_;
    std::string engine_;
    TimePoint since_{};
    net::TimerId timer_;
};

/// What the slot's engine is told of an attempt that is over.
SlotOutcome slot_outcome(const llm::Observation& seen, bool overloaded);

}  // namespace segue::gateway
