#include "engine/engine.hpp"

#include <algorithm>

namespace segue::engine {
namespace {

constexpr int kFailuresToEject = 3;
constexpr std::int64_t kFirstEjection = 1'000'000'000;  // ns
constexpr int kMostDoublings = 5;                       // 1 s … 32 s

std::int64_t nanoseconds(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

const ServedModel* EngineFacts::find(std::string_view served_name) const {
    const auto found = std::find_if(models.begin(), models.end(), [&](const ServedModel& model) {
        return model.name == served_name;
    });
    return found == models.end() ? nullptr : &*found;
}

Engine::Engine(EngineConfig config)
    : config_(std::move(config)),
      traits_(std::make_shared<llm::EngineTraits>()),
      tls_(std::make_shared<net::TlsOptions>(config_.tls)) {
    EngineFacts facts;
    facts.dialect = config_.dialect.value_or(llm::Dialect::kOpenAi);
    facts_ = std::make_shared<const EngineFacts>(std::move(facts));
}

std::shared_ptr<const EngineFacts> Engine::facts() const {
    const std::lock_guard lock(mutex_);
    return facts_;
}

void Engine::set_facts(EngineFacts facts) {
    auto made = std::make_shared<const EngineFacts>(std::move(facts));
    const std::lock_guard lock(mutex_);
    facts_.swap(made);
}

void Engine::on_success() {
    failures_in_a_row_.store(0, std::memory_order_relaxed);
    ejections_in_a_row_.store(0, std::memory_order_relaxed);
    ejected_until_ns_.store(0, std::memory_order_relaxed);
}

void Engine::on_failure(TimePoint now) {
    const bool was_ejected = ejected_until_ns_.load(std::memory_order_relaxed) != 0;
    if (failures_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 < kFailuresToEject &&
        !was_ejected)
        return;
    const int doublings =
        std::min(ejections_in_a_row_.fetch_add(1, std::memory_order_relaxed), kMostDoublings);
    ejected_until_ns_.store(nanoseconds(now) + (kFirstEjection << doublings),
                            std::memory_order_relaxed);
}

bool Engine::ejected(TimePoint now) const {
    const std::int64_t until = ejected_until_ns_.load(std::memory_order_relaxed);
    return until != 0 && nanoseconds(now) < until;
}

bool Engine::admits(TimePoint now) const {
    const std::int64_t until = ejected_until_ns_.load(std::memory_order_relaxed);
    if (until == 0) return true;
    return nanoseconds(now) >= until && in_flight() == 0;
}

double Engine::pressure() const {
    const auto known = facts();
    const double mine = static_cast<double>(in_flight());
    const double theirs = known->load.running.value_or(0) + 2 * known->load.waiting.value_or(0);
    return std::max(mine, theirs);
}

}  // namespace segue::engine
