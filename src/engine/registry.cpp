#include "engine/registry.hpp"

#include <algorithm>
#include <map>

#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/probe.hpp"
#include "llm/ollama/front/names.hpp"

namespace segue::engine {
namespace {

std::string canonical_or_self(std::string_view name) {
    return llm::canonical_model_name(name).value_or(to_lower(name));
}

/// Client names and served names are one when their canonical forms are.
bool same_model(std::string_view canonical, std::string_view asked, std::string_view candidate) {
    return candidate == asked || canonical_or_self(candidate) == canonical;
}

}  // namespace

Registry::Registry(Options options, const Clock& clock, const Registry* before)
    : options_(std::move(options)), clock_(clock) {
    for (const auto& config : options_.engines) {
        std::shared_ptr<Engine> kept;
        if (before)
            for (const auto& old : before->engines_)
                if (old->config() == config) kept = old;
        engines_.push_back(kept ? kept : std::make_shared<Engine>(config));
    }
    if (before) aliases_ = before->aliases();
}

Registry::~Registry() {
    stop();
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
        engine->set_facts(std::move(facts));
        std::unique_lock lock(mutex_);
        if (first) {
            ++probed_;
            first = false;
            wake_.notify_all();
        }
        (void)wake_.wait_for(lock, stop, engine->config().probe_interval, [] { return false; });
    }
}

bool Registry::allowed(const Engine& engine, const EngineFacts& facts) const {
    if (engine.config().stand_in) {
        for (const auto& other : engines_)
            if (!other->config().stand_in && other->facts()->state == EngineFacts::State::kUp)
                return false;
    }
    switch (options_.backend) {
        case Backend::kAuto: return true;
        case Backend::kOllama: return facts.dialect == llm::Dialect::kOllama;
        case Backend::kVllm: return facts.dialect == llm::Dialect::kOpenAi;
    }
    return true;
}

std::optional<Candidate> Registry::candidate(
    const std::shared_ptr<Engine>& engine, std::string_view served,
    const std::shared_ptr<const llm::Profile>& profile) const {
    const auto facts = engine->facts();
    if (!allowed(*engine, *facts)) return std::nullopt;
    Candidate made;
    made.engine = engine;
    made.target.dialect = facts->dialect;
    made.target.engine = engine->name();
    made.target.served_model = served;
    made.target.profile = profile;
    made.target.traits = engine->traits();
    made.target.sleeping = facts->sleeping;
    const ServedModel* model = facts->find(served);
    if (!model && facts->dialect == llm::Dialect::kOllama) {
        for (const auto& known : facts->models)
            if (same_model(canonical_or_self(served), served, known.name)) model = &known;
    }
    if (model) {
        made.target.max_model_len = model->max_model_len;
        made.target.capabilities = model->capabilities;
    }
    if (profile->context_length) made.target.max_model_len = profile->context_length;
    if (profile->capabilities) made.target.capabilities = *profile->capabilities;
    return made;
}

void Registry::order(std::vector<std::pair<int, Candidate>>& found, Resolution& resolution) const {
    // Well engines by priority and load first; the others stay as a last resort, so that nothing is
    // refused on the word of an old probe alone.
    struct Rank {
        int badness;           // 0 well, 1 put aside by its breaker, 2 down
        Duration until_trial;  // of those that are put aside
        int priority;
        double pressure;
        std::size_t position;
        auto key() const { return std::tie(badness, until_trial, priority, pressure, position); }
        bool operator<(const Rank& other) const { return key() < other.key(); }
    };
    const TimePoint now = clock_.now();
    std::map<Rank, Candidate*> ranked;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const Engine& engine = *found[i].second.engine;
        const auto state = engine.facts()->state;
        const bool admits = engine.admits(now);
        const int badness = state == EngineFacts::State::kDown ? 2 : admits ? 0 : 1;
        resolution.healthy =
            resolution.healthy || (badness == 0 && state == EngineFacts::State::kUp);
        const Duration until_trial = admits ? Duration{} : engine.breaker(now).until_trial;
        ranked[{badness, until_trial, found[i].first, engine.pressure(), i}] = &found[i].second;
    }
    for (auto& [rank, candidate] : ranked)
        resolution.candidates.push_back(std::move(*candidate));
}

Resolution Registry::resolve(std::string_view asked) const {
    Resolution resolution;
    if (asked.empty()) asked = options_.default_model;
    asked = trim(asked);
    std::string name(asked);
    std::string canonical = canonical_or_self(name);
    std::shared_ptr<const llm::Profile> alias_profile;
    for (const auto& alias : aliases()) {
        if (alias.name != canonical) continue;
        name = alias.target;
        canonical = canonical_or_self(name);
        alias_profile = alias.profile;
    }
    resolution.client_name = canonical;

    const auto take = [&](const ModelConfig& model) {
        std::vector<std::pair<int, Candidate>> found;
        resolution.profile = alias_profile ? alias_profile : model.profile;
        for (const auto& target : model.targets)
            for (const auto& engine : engines_)
                if (engine->name() == target.engine)
                    if (auto made = candidate(engine, target.model.empty() ? name : target.model,
                                              resolution.profile))
                        found.emplace_back(target.priority, std::move(*made));
        order(found, resolution);
        resolution.kind = Resolution::Kind::kFound;
        return resolution;
    };
    for (const auto& model : options_.models)
        if (!model.is_pattern() && same_model(canonical, name, model.name)) return take(model);

    static const auto no_profile = std::make_shared<const llm::Profile>();
    std::vector<std::pair<int, Candidate>> found;
    for (const auto& engine : engines_) {
        const auto facts = engine->facts();
        for (const auto& served : facts->models) {
            if (!same_model(canonical, name, served.name)) continue;
            if (auto made =
                    candidate(engine, served.name, alias_profile ? alias_profile : no_profile))
                found.emplace_back(0, std::move(*made));
            break;
        }
    }
    if (!found.empty()) {
        resolution.profile = alias_profile ? alias_profile : no_profile;
        order(found, resolution);
        resolution.kind = Resolution::Kind::kFound;
        return resolution;
    }
    for (const auto& model : options_.models) {
        if (!model.is_pattern()) continue;
        const std::string pattern = to_lower(model.name);
        if (!glob_match(pattern, to_lower(name)) && !glob_match(pattern, canonical)) continue;
        take(model);
        resolution.listed = false;
        if (!resolution.candidates.empty()) return resolution;
    }
    // An Ollama engine knows best what it can load: a name that is not listed is its own to refuse.
    const bool has_table =
        std::any_of(options_.models.begin(), options_.models.end(),
                    [](const ModelConfig& model) { return !model.is_pattern(); });
    if (!has_table && llm::canonical_model_name(name)) {
        for (const auto& engine : engines_) {
            const auto facts = engine->facts();
            if (facts->dialect != llm::Dialect::kOllama ||
                facts->state == EngineFacts::State::kDown)
                continue;
            if (auto made = candidate(engine, name, no_profile))
                found.emplace_back(0, std::move(*made));
        }
        if (!found.empty()) {
            resolution.listed = false;
            resolution.profile = no_profile;
            order(found, resolution);
            resolution.kind = Resolution::Kind::kFound;
            return resolution;
        }
    }
    resolution.kind = llm::canonical_model_name(asked) || asked.empty()
                          ? Resolution::Kind::kUnknown
                          : Resolution::Kind::kInvalidName;
    return resolution;
}

std::vector<ClientModel> Registry::client_models() const {
    std::map<std::string, ClientModel> models;
    const auto add = [&](std::string_view shown, bool alias, WallTime seen) {
        const std::string name = canonical_or_self(shown);
        models.try_emplace(name, ClientModel{name, std::string(shown), alias, seen});
    };
    bool listed = false;
    for (const auto& model : options_.models) {
        if (model.is_pattern()) continue;
        listed = true;
        WallTime seen{};
        bool any = false;
        for (const auto& target : model.targets)
            for (const auto& engine : engines_)
                if (engine->name() == target.engine && allowed(*engine, *engine->facts())) {
                    any = true;
                    const auto& name = target.model.empty() ? model.name : target.model;
                    if (const auto* served = engine->facts()->find(name))
                        seen = served->first_seen;
                    else if (dates_)  // it was there before this process
                        seen = dates_->find(engine->name(), name).value_or(seen);
                }
        if (any) add(model.name, false, seen);
    }
    if (!listed) {
        for (const auto& engine : engines_) {
            const auto facts = engine->facts();
            if (!allowed(*engine, *facts) || facts->state == EngineFacts::State::kDown) continue;
            for (const auto& served : facts->models)
                add(served.name, false, served.first_seen);
        }
    }
    for (const auto& alias : aliases())
        if (!resolve(alias.name).candidates.empty()) add(alias.name, true, alias.made);
    std::vector<ClientModel> list;
    for (auto& [name, model] : models)
        list.push_back(std::move(model));
    return list;
}

void Registry::set_aliases(std::vector<Alias> aliases) {
    const std::lock_guard lock(mutex_);
    aliases_ = std::move(aliases);
}

std::vector<Alias> Registry::aliases() const {
    const std::lock_guard lock(mutex_);
    return aliases_;
}

}  // namespace segue::engine
