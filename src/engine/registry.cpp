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
        const auto old = before ? before->find_engine(config.name) : nullptr;
        engines_.push_back(
            old && old->config() == config ? old : std::make_shared<Engine>(config, old.get()));
    }
    probes_.resize(engines_.size());
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
    for (std::size_t i = 0; i < engines_.size(); ++i)
        threads_.emplace_back([this, i](const std::stop_token& stop) { probe_forever(stop, i); });
}

void Registry::stop() {
    for (auto& thread : threads_)
        thread.request_stop();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    threads_.clear();
}

void Registry::wait_for_first_probe(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    (void)wake_.wait_for(lock, limit, [&] {
        return std::all_of(probes_.begin(), probes_.end(),
                           [](const Probes& probes) { return probes.once; });
    });
}

std::shared_ptr<Engine> Registry::find_engine(std::string_view name) const {
    for (const auto& engine : engines_)
        if (engine->name() == name) return engine;
    return nullptr;
}

bool Registry::probe_now(const Engine& engine, std::chrono::milliseconds patience) {
    const auto found = std::find_if(engines_.begin(), engines_.end(),
                                    [&](const auto& one) { return one.get() == &engine; });
    if (found == engines_.end()) return false;
    std::unique_lock lock(mutex_);
    Probes& probes = probes_[static_cast<std::size_t>(found - engines_.begin())];
    // One that has begun may have asked before whatever the caller wants to know of.
    if (probes.asked == probes.begun) ++probes.asked;
    const std::uint64_t wanted = probes.asked;
    wake_.notify_all();
    (void)wake_.wait_for(lock, patience, [&] { return stopping_ || probes.done >= wanted; });
    return probes.done >= wanted;
}

void Registry::probe_forever(const std::stop_token& stop, std::size_t position) {
    const auto& engine = engines_[position];
    while (!stop.stop_requested()) {
        std::uint64_t asked = 0;
        {
            const std::lock_guard lock(mutex_);
            asked = probes_[position].begun = probes_[position].asked;
        }
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
                engine->log().note(
                    {EngineChange::Kind::kUp, clock_.now(), facts.kind + " " + facts.version});
            } else {
                log::warning("engine {} is down: {}", engine->name(), facts.problem);
                engine->log().note({EngineChange::Kind::kDown, clock_.now(), facts.problem});
            }
        }
        set_facts(*engine, std::move(facts));
        std::unique_lock lock(mutex_);
        Probes& probes = probes_[position];
        probes.once = true;
        probes.done = asked;
        wake_.notify_all();
        (void)wake_.wait_for(lock, stop, engine->config().probe_interval,
                             [&] { return probes.asked > probes.begun; });
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
    std::size_t drained = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Candidate& candidate = route.candidates[i];
        const Engine& engine = *candidate.engine;
        Standing& standing = standings[i];
        standing.priority = candidate.priority;
        if (engine.drained()) {
            standing.health = Standing::Health::kDrained;
            ++drained;
        } else if (candidate.facts->state == EngineFacts::State::kDown) {
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
    auto positions = order(standings, route.balance, key, turn, asker ? &asker->random : nullptr);
    resolution.drained = count > 0 && drained == count;
    if (asker) positions.resize(count - drained);  // they stand at the end
    resolution.candidates = Candidates(resolution.route, std::move(positions));
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
