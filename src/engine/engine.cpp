#include "engine/engine.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/log.hpp"

namespace segue::engine {
std::string_view signal_name(LoadSignal signal) {
    switch (signal) {
        case LoadSignal::kMissing: return "missing";
        case LoadSignal::kFresh: return "fresh";
        case LoadSignal::kStale: return "stale";
    }
    return "missing";
}

const ServedModel* EngineFacts::find(std::string_view served_name) const {
    const auto found = std::find_if(models.begin(), models.end(), [&](const ServedModel& model) {
        return model.name == served_name;
    });
    return found == models.end() ? nullptr : &*found;
}

Engine::Engine(EngineConfig config, const Engine* before)
    : config_(std::move(config)),
      traits_(std::make_shared<llm::EngineTraits>()),
      tls_(std::make_shared<net::TlsOptions>(config_.tls)),
      seed_(hash64(config_.name)),
      breaker_(config_.breaker) {
    EngineFacts facts;
    facts.dialect = config_.dialect.value_or(llm::Dialect::kOpenAi);
    facts_ = std::make_shared<const EngineFacts>(std::move(facts));
    if (before == nullptr) return;
    drained_.store(before->drained(), std::memory_order_relaxed);
    log_.begin_with(before->log_);
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

bool Engine::admits(TimePoint now) const {
    if (!watched_.load(std::memory_order_acquire)) return true;
    const std::lock_guard lock(breaker_mutex_);
    return breaker_.admits(now);
}

std::optional<Visit> Engine::enter(TimePoint now) {
    const std::lock_guard lock(breaker_mutex_);
    const auto pass = breaker_.enter(now);
    if (!pass) return std::nullopt;
    return Visit(shared_from_this(), *pass);
}

Visit Engine::enter_anyway() {
    const std::lock_guard lock(breaker_mutex_);
    return {shared_from_this(), breaker_.force()};
}

void Engine::leave(Breaker::Pass pass, TimePoint now, const Breaker::Verdict& verdict) {
    const std::lock_guard lock(breaker_mutex_);
    switch (breaker_.leave(pass, now, verdict)) {
        case Breaker::Change::kNone: return;
        case Breaker::Change::kEjected: {
            const auto report = breaker_.report(now);
            log::warning("engine {} is put aside for {} ms: {}", name(),
                         std::chrono::ceil<std::chrono::milliseconds>(report.last_ejection).count(),
                         report.reason);
            log_.note({EngineChange::Kind::kPutAside, now, report.reason});
            break;
        }
        case Breaker::Change::kClosed:
            log::info("engine {} is back: its trial requests went well", name());
            log_.note({EngineChange::Kind::kBack, now, "its trial requests went well"});
            break;
    }
    note_breaker();
}

void Engine::note_breaker() {
    const bool closed = std::holds_alternative<Breaker::Closed>(breaker_.state());
    watched_.store(!closed, std::memory_order_release);
}

Breaker::Report Engine::breaker(TimePoint now) const {
    const std::lock_guard lock(breaker_mutex_);
    return breaker_.report(now);
}

void Engine::restarted(TimePoint now) {
    const std::lock_guard lock(breaker_mutex_);
    breaker_.restarted(now);
}

bool Engine::set_drained(bool drained, TimePoint now, std::string_view who) {
    if (drained_.exchange(drained) == drained) return false;
    log::info("engine {} is {} by {}", name(),
              drained ? "drained (it gets no new requests)" : "in service again", who);
    log_.note({drained ? EngineChange::Kind::kDrained : EngineChange::Kind::kResumed, now,
               std::string(who)});
    return true;
}

Visit::Visit(std::shared_ptr<Engine> engine, Breaker::Pass pass)
    : engine_(std::move(engine)), pass_(pass) {
    engine_->in_flight_.fetch_add(1, std::memory_order_relaxed);
}

Visit::~Visit() {
    leave(TimePoint{}, {});
}

Visit& Visit::operator=(Visit&& other) noexcept {
    leave(TimePoint{}, {});
    engine_ = std::move(other.engine_);
    pass_ = other.pass_;
    return *this;
}

void Visit::leave(TimePoint now, const Breaker::Verdict& verdict) {
    if (!engine_) return;
    engine_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
    engine_->leave(pass_, now, verdict);
    engine_.reset();
}

LoadSignal Engine::signal(const EngineLoad& load, TimePoint now) const {
    if (!load.running || !load.waiting) return LoadSignal::kMissing;
    constexpr int kProbes = 3;
    const Duration limit = kProbes * config_.probe_interval + config_.probe_timeout;
    return now - load.read > limit ? LoadSignal::kStale : LoadSignal::kFresh;
}

std::optional<Duration> Engine::age(const EngineLoad& load, TimePoint now) {
    if (!load.running || !load.waiting) return std::nullopt;
    return std::max(Duration{}, now - load.read);
}

std::optional<LoadFigures> Engine::figures(const EngineLoad& load, TimePoint now) const {
    if (signal(load, now) != LoadSignal::kFresh) return std::nullopt;
    LoadFigures figures;
    // Segue counts its own requests as they are now; the reading adds those of others.
    figures.others = std::max(0.0, *load.running + *load.waiting - static_cast<double>(load.own));
    figures.waiting = *load.waiting;
    figures.kv_cache_usage = load.kv_cache_usage;
    return figures;
}

}  // namespace segue::engine
