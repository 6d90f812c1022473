/// The door of one engine: how many requests may be under way there, and who waits in which order
/// when it is full.
///
/// Why here and not in the engine: vLLM queues without end and first come, first served; Ollama
/// refuses at 512. What waits inside an engine cannot be put into order, moved to another engine or
/// told how long it will be.
///
/// Thread: any; shared by all workers. While there is room and nobody waits, entering and leaving
/// are one atomic operation each (an adaptive limit locks at each first event). The queue has a
/// mutex. Whoever waits is told on whatever thread made room: `wake` must only post to its own
/// loop. Lifetime: a shared_ptr; slots and places keep it alive over reloads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "engine/config.hpp"
#include "gateway/adaptive_limit.hpp"
#include "gateway/fair_queue.hpp"

namespace segue::gateway {

class Admission;

/// How a request went that had a slot.
struct SlotOutcome {
    bool overloaded = false;  // refused for want of room, or timed out
    double cost = 0;          // of fairness: prompt tokens + 2 * completion tokens
};

/// One request under way at an engine. Given back with the object.
class Slot {
public:
    Slot() = default;  // an engine without a limit
    Slot(Slot&& other) noexcept = default;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();
    /// The engine's first event came; once.
    void on_first_event();
    void leave(const SlotOutcome& outcome);

private:
    friend class Admission;
    std::shared_ptr<Admission> admission_;  // null: nothing to give back
    std::string key_;
    TimePoint entered_{};
    double charged_ = 0;
};

/// A request that waits. Leaves the queue with the object.
class Place {
public:
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept;
    ~Place();
    enum class Ended : std::uint8_t { kExpired, kDisplaced };
    /// After `wake`: a slot, or why there will be none. Nothing while it still waits.
    std::optional<std::variant<Slot, Ended>> take();

private:
    friend class Admission;
    explicit Place(std::shared_ptr<Admission> admission, FairQueue::Ticket ticket)
        : admission_(std::move(admission)), ticket_(ticket) {}
    std::shared_ptr<Admission> admission_;  // null: moved away, or taken
    FairQueue::Ticket ticket_ = 0;
};

class Admission : public std::enable_shared_from_this<Admission> {
public:
    /// `clock` must outlive everything here.
    Admission(const engine::AdmissionOptions& options, const Clock& clock);

    /// A slot if there is room and nobody waits.
    std::optional<Slot> try_enter(std::string_view key);
    /// Full, and the queue too: when it is worth trying again.
    struct Full {
        Duration wait{};
    };
    std::variant<Slot, Place, Full> enter_or_wait(std::string_view key, Priority priority,
                                                  std::function<void()> wake);
    /// Takes effect for what comes; those who wait stay.
    void set_options(const engine::AdmissionOptions& options);

    Duration longest_wait() const;
    bool spills() const { return spill_.load(std::memory_order_relaxed); }
    /// How long a newcomer would wait, by what slots were held for lately.
    Duration expected_wait() const;

    struct State {
        bool adaptive = false;
        int limit = 0;
        std::int64_t in_flight = 0;
        std::size_t interactive = 0;  // waiting
        std::size_t batch = 0;
        std::size_t capacity = 0;  // of the queue
        std::optional<Duration> baseline;
    };
    State state() const;

private:
    friend class Slot;
    friend class Place;
    struct Waiter {
        std::string key;
        std::function<void()> wake;
        std::optional<std::variant<Slot, Place::Ended>> result;
    };
    using Wakes = std::vector<std::function<void()>>;

    bool acquire();
    void release();
    Slot slot(std::string_view key, double charged);
    void leave(const Slot& slot, const SlotOutcome* outcome);
    void on_first_event(const Slot& slot);
    void learn(const Slot& slot, const SlotOutcome& outcome);
    void grant(Wakes& wakes);
    void end(FairQueue::Ticket ticket, Place::Ended why, Wakes& wakes);
    void let_in();

    const Clock& clock_;
    std::atomic<int> limit_;
    std::atomic<std::int64_t> in_flight_{0};
    std::atomic<std::size_t> waiting_{0};  // queue_.size(), and whoever is about to join
    std::atomic<std::int64_t> held_ns_;    // mean time that a slot is held
    std::atomic<bool> adaptive_;
    std::atomic<bool> spill_;

    mutable std::mutex mutex_;
    engine::AdmissionOptions options_;
    AdaptiveLimit adapting_;
    FairQueue queue_;
    std::unordered_map<FairQueue::Ticket, Waiter> waiters_;
    FairQueue::Ticket next_ticket_ = 1;
    double mean_cost_ = 1;
};

/// The doors of all engines that have a limit; part of a snapshot.
class AdmissionTable {
public:
    /// Null when no engine has a limit: then nothing is looked up. Doors of `before` are kept by
    /// the engine's name, with what is under way.
    static std::shared_ptr<const AdmissionTable> make(
        const std::vector<engine::EngineConfig>& engines, const AdmissionTable* before,
        const Clock& clock);
    /// Null: no limit.
    const std::shared_ptr<Admission>& find(std::string_view engine) const;
    const std::vector<std::pair<std::string, std::shared_ptr<Admission>>>& doors() const {
        return doors_;
    }

private:
    std::vector<std::pair<std::string, std::shared_ptr<Admission>>> doors_;
};

}  // namespace segue::gateway
