#include "engine/registry.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/probe.hpp"
#include "llm/ollama/front/names.hpp"

namespace segue::engine {

Candidates Candidates::single(Candidate candidate) {
    auto route = std::make_shared<Route>();
    route->profile = candidate.target.profile;
    candidate.facts = candidate.engine->facts();
    route->candidates.push_back(std::move(candidate));
    return {std::move(route), {0}};
}

void Candidates::bring_forward(std::size_t from, std::size_t to) {
    const auto at = [&](std::size_t i) { return order_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::rotate(at(to), at(from), at(from) + 1);
}

Registry::Registry(Options options, const Clock& clock, const Registry* before)
    : options_(std::move(options)), clock_(clock), turns_(options_.models.size() + 1) {
    for (const auto& config : options_.engines) {
        std::shared_ptr<Engine> kept;
        if (before)
            for (const auto& old : before->engines_)
                if (old->config() == config) kept = old;
        engines_.push_back(kept ? kept : std::make_shared<Engine>(config));
    }
    if (before) aliases_ = before->aliases();
    rebuild();
}

Registry::~Registry() {
    stop();
}

void Registry::keep_dates_in(FirstSeen& dates) {
    dates_ = &dates;
    rebuild();
}

void Registry::start() {
    for (const auto& engine : engines_)
        threads_.emplace_back(
            [this, engine](std::stop_token stop) { probe_forever(stop, engine); });
}

void Registry::stop() {
    for (auto& thread : threads_)
        thread.request_stop();
    wake_.notify_all();
    threads_.clear();
}

void Registry::wait_for_first_probe(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    (void)wake_.wait_for(lock, limit, [&] { return probed_ >= engines_.size(); });
}

void Registry::probe_forever(std::stop_token stop, const std::shared_ptr<Engine>& engine) {
    bool first = true;
    while (!stop.stop_requested()) {
        const auto before = engine->facts();
        EngineFacts facts = probe_engine(*engine, clock_);
        if (stop.stop_requested()) return;
        using State = EngineFacts::State;
        if (dates_ && facts.state == State::kUp)
            dates_->apply(engine->name(), facts.models, facts.probed);
        if (facts.state != before->state) {
            if (facts.state == State::kUp) {
                log::info("engine {} is up: {} {} at {}{}", engine->name(), facts.kind,
                          facts.version, engine->config().origin.to_string(),
                          facts.rehearsal ? " (rehearsal)" : "");
                engine->restarted(clock_.now());
            } else {
                log::warning("engine {} is down: {}", engine->name(), facts.problem);
            }
        }
        set_facts(*engine, std::move(facts));
        std::unique_lock lock(mutex_);
        if (first) {
            ++probed_;
            first = false;
            wake_.notify_all();
        }
        (void)wake_.wait_for(lock, stop, engine->config().probe_interval, [] { return false; });
    }
}

void Registry::set_facts(Engine& engine, EngineFacts facts) {
    engine.set_facts(std::move(facts));
    rebuild();
}

void Registry::rebuild() {
    const std::lock_guard one_at_a_time(rebuilding_);
    const auto known = aliases();
    auto made = std::make_shared<const RouteTable>(RouteTable::Sources{
        options_.models, engines_, known, options_.backend, options_.balance, dates_});
    const std::lock_guard lock(table_mutex_);
    table_.swap(made);
}

std::shared_ptr<const RouteTable> Registry::table() const {
    const std::lock_guard lock(table_mutex_);
    return table_;
}

Resolution Registry::resolve(std::string_view asked, const Asker* asker) const {
    Resolution resolution;
    if (asked.empty()) asked = options_.default_model;
    if (asked.empty()) return resolution;
    resolution.route = table()->find(asked);
    if (!resolution.route) {
        if (!llm::canonical_model_name(trim(asked)))
            resolution.kind = Resolution::Kind::kInvalidName;
        return resolution;
    }
    const Route& route = *resolution.route;
    resolution.kind = Resolution::Kind::kFound;
    resolution.listed = route.listed;

    // What is known of each at this moment. Facts come with the route: no lock is taken but that of
    // a breaker that is not closed.
    constexpr std::size_t kUsual = 8;
    std::array<Standing, kUsual> few;
    std::vector<Standing> many;
    const std::size_t count = route.candidates.size();
    if (count > kUsual) many.resize(count);
    const std::span<Standing> standings(count > kUsual ? many.data() : few.data(), count);
    const TimePoint now = clock_.now();
    for (std::size_t i = 0; i < count; ++i) {
        const Candidate& candidate = route.candidates[i];
        const Engine& engine = *candidate.engine;
        Standing& standing = standings[i];
        standing.priority = candidate.priority;
        if (candidate.facts->state == EngineFacts::State::kDown) {
            standing.health = Standing::Health::kDown;
        } else if (!engine.admits(now)) {
            standing.health = Standing::Health::kPutAside;
            standing.until_trial = engine.breaker(now).until_trial;
        } else if (candidate.facts->state == EngineFacts::State::kUp) {
            resolution.healthy = true;
        }
        standing.figures = engine.figures(candidate.facts->load, now);
        standing.in_flight = engine.in_flight();
        standing.seed = engine.seed();
    }
    resolution.by_figures = told_by_all(standings);
    std::uint64_t key = 0;
    std::uint64_t turn = 0;
    if (asker && count > 1) {
        if (route.balance.balance == Balance::kAffinity && asker->key) key = asker->key();
        if (route.balance.balance == Balance::kRoundRobin)
            turn = turns_[route.turns].fetch_add(1, std::memory_order_relaxed);
    }
    resolution.candidates = Candidates(resolution.route, order(standings, route.balance, key, turn,
                                                               asker ? &asker->random : nullptr));
    return resolution;
}

std::vector<ClientModel> Registry::client_models() const {
    return table()->client_models();
}

void Registry::set_aliases(std::vector<Alias> aliases) {
    {
        const std::lock_guard lock(mutex_);
        aliases_ = std::move(aliases);
    }
    rebuild();
}

std::vector<Alias> Registry::aliases() const {
    const std::lock_guard lock(mutex_);
    return aliases_;
}

}  // namespace segue::engine
