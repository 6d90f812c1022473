#include "gateway/entrance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gateway/metric_names.hpp"

namespace segue::gateway {
namespace {

constexpr auto kLongestRetry = std::chrono::seconds(120);  // SDKs refuse to wait longer (wire 4.1)
constexpr double kAnswerWeight = 2;  // a token of an answer costs more than one of a prompt

std::chrono::seconds retry_after(Duration wait) {
    return std::clamp(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1),
                      std::chrono::seconds(kLongestRetry));
}

bool usable(const engine::Candidate& candidate, TimePoint now) {
    return candidate.engine->facts()->state != engine::EngineFacts::State::kDown &&
           candidate.engine->admits(now);
}

}  // namespace

/// Outlives the entrance while a wake-up is on its way. `owner` belongs to the worker.
struct Entrance::Ear {
    Entrance* owner;
};

std::function<void()> Entrance::wake() {
    return [loop = &loop_, ear = ear_] {
        loop->post([ear] {
            if (ear->owner) ear->owner->woken();
        });
    };
}

void Entrance::enter(engine::Candidates& candidates, std::size_t from, Done done) {
    const TimePoint now = loop_.now();
    // Those that are well; where none is, the first is the least bad.
    std::vector<std::size_t> worth;
    for (std::size_t i = from; i < candidates.size(); ++i)
        if (usable(candidates[i], now)) worth.push_back(i);
    if (worth.empty()) worth.push_back(from);
    const auto& best = doors_->find(candidates[worth.front()].engine->name());
    if (!best || !best->spills()) worth.resize(1);

    for (const std::size_t i : worth) {
        const auto& door = doors_->find(candidates[i].engine->name());
        auto slot = door ? door->try_enter(record_.key) : std::optional<Slot>(Slot{});
        if (!slot) continue;
        candidates.bring_forward(i, from);
        if (door && !record_.queued) record_.queued = Duration{};
        done(std::move(*slot));
        return;
    }
    Duration shortest = kLongestRetry;
    ear_ = std::make_shared<Ear>(Ear{this});
    for (const std::size_t i : worth) {
        const auto& door = doors_->find(candidates[i].engine->name());
        auto entered = door->enter_or_wait(record_.key, record_.priority, wake());
        if (const auto* full = std::get_if<Admission::Full>(&entered)) {
            shortest = std::min(shortest, full->wait);
            continue;
        }
        done_ = std::move(done);
        const Duration longest = door->longest_wait();
        candidates.bring_forward(i, from);
        if (auto* place = std::get_if<Place>(&entered))
            return wait(std::move(*place), *candidates[from].engine, longest);
        if (!record_.queued) record_.queued = Duration{};
        ear_.reset();
        std::exchange(done_, nullptr)(std::move(std::get<Slot>(entered)));
        return;
    }
    ear_.reset();
    done_ = std::move(done);
    engine_ = candidates[worth.front()].engine->name();
    shard_.add(metric::kAdmissionRefused, {{"engine", engine_}, {"reason", "full"}});
    refuse(shortest, fmt::format("engine '{}' and its queue are full", engine_));
}

void Entrance::wait(Place place, const engine::Engine& engine, Duration longest) {
    place_ = std::move(place);
    engine_ = engine.name();
    since_ = loop_.now();
    timer_ = loop_.after(longest, [this] {
        timer_ = {};
        const Duration again = doors_->find(engine_)->expected_wait();
        waited("expired");
        refuse(again, fmt::format("engine '{}' had no room in time", engine_));
    });
}

void Entrance::woken() {
    if (!place_) return;
    auto result = place_->take();
    if (!result) return;
    if (auto* slot = std::get_if<Slot>(&*result)) {
        waited("entered");
        std::exchange(done_, nullptr)(std::move(*slot));
        return;
    }
    const bool displaced = std::get<Place::Ended>(*result) == Place::Ended::kDisplaced;
    const Duration again = doors_->find(engine_)->expected_wait();
    waited(displaced ? "displaced" : "expired");
    refuse(again, displaced ? fmt::format("the queue of engine '{}' is full", engine_)
                            : fmt::format("engine '{}' had no room in time", engine_));
}

/// The wait is over, one way or another.
void Entrance::waited(std::string_view outcome) {
    const Duration lasted = loop_.fresh_now() - since_;
    record_.queued = record_.queued.value_or(Duration{}) + lasted;
    shard_.observe(
        metric::kQueueSeconds,
        {{"engine", engine_}, {"priority", priority_name(record_.priority)}, {"outcome", outcome}},
        std::chrono::duration<double>(lasted).count());
    if (outcome != "entered" && outcome != "left")
        shard_.add(metric::kAdmissionRefused, {{"engine", engine_}, {"reason", outcome}});
    loop_.cancel(timer_);
    place_.reset();
    if (ear_) ear_->owner = nullptr;
    ear_.reset();
}

void Entrance::leave() {
    if (!place_) return;
    waited("left");
    done_ = nullptr;
}

void Entrance::refuse(Duration wait, std::string message) {
    llm::Failure failure{llm::Failure::Cause::kQueueFull, std::move(message)};
    failure.retry_after = retry_after(wait);
    failure.message += fmt::format("; try again in {} s", failure.retry_after->count());
    std::exchange(done_, nullptr)(tl::unexpected(std::move(failure)));
}

SlotOutcome slot_outcome(const llm::Observation& seen, bool overloaded) {
    SlotOutcome outcome;
    outcome.overloaded = overloaded && !seen.first_event;
    outcome.cost = static_cast<double>(seen.usage.prompt_tokens.value_or(0)) +
                   kAnswerWeight * static_cast<double>(seen.usage.completion_tokens.value_or(
                                       static_cast<std::int64_t>(seen.content_events)));
    return outcome;
}

}  // namespace segue::gateway
