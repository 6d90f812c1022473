#include "engine/routes.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "llm/ollama/front/names.hpp"

namespace segue::engine {
namespace {

std::string canonical_or_self(std::string_view name) {
    return llm::canonical_model_name(name).value_or(to_lower(name));
}

const std::shared_ptr<const llm::Profile>& no_profile() {
    static const auto none = std::make_shared<const llm::Profile>();
    return none;
}

/// An alias of an alias of an alias …: further than this it is a loop.
constexpr int kLongestChain = 16;

}  // namespace

RouteTable::RouteTable(const Sources& sources)
    : balance_(sources.balance), unlisted_turns_(sources.models.size()) {
    bool real_one_up = false;
    for (const auto& engine : sources.engines) {
        engines_.push_back({engine, engine->facts(), false});
        real_one_up = real_one_up || (!engine->config().stand_in &&
                                      engines_.back().facts->state == EngineFacts::State::kUp);
    }
    for (auto& known : engines_) {
        const llm::Dialect dialect = known.facts->dialect;
        known.allowed =
            !(known.engine->config().stand_in && real_one_up) &&
            (sources.backend == Backend::kAuto ||
             (sources.backend == Backend::kOllama) == (dialect == llm::Dialect::kOllama));
    }
    add_models(sources);
    add_served(sources);
    add_patterns(sources);
    add_aliases(sources);
    add_spellings(sources);
    list_models(sources);
}

std::optional<Candidate> RouteTable::candidate(
    const Known& known, std::string_view served,
    const std::shared_ptr<const llm::Profile>& profile) const {
    if (!known.allowed) return std::nullopt;
    const EngineFacts& facts = *known.facts;
    Candidate made;
    made.engine = known.engine;
    made.facts = known.facts;
    made.target.dialect = facts.dialect;
    made.target.engine = known.engine->name();
    made.target.served_model = served;
    made.target.profile = profile;
    made.target.traits = known.engine->traits();
    made.target.sleeping = facts.sleeping;
    const ServedModel* model = facts.find(served);
    if (!model && facts.dialect == llm::Dialect::kOllama) {
        const std::string canonical = canonical_or_self(served);
        for (const auto& one : facts.models)
            if (canonical_or_self(one.name) == canonical) model = &one;
    }
    if (model) {
        made.target.max_model_len = model->max_model_len;
        made.target.capabilities = model->capabilities;
    }
    if (profile->context_length) made.target.max_model_len = profile->context_length;
    if (profile->capabilities) made.target.capabilities = *profile->capabilities;
    return made;
}

Route RouteTable::route_of(const ModelConfig& model, std::string_view name,
                           const std::shared_ptr<const llm::Profile>& profile) const {
    Route route;
    route.client_name = canonical_or_self(name);
    route.profile = profile;
    route.balance = model.balance;
    for (const auto& target : model.targets) {
        for (const auto& known : engines_) {
            if (known.engine->name() != target.engine) continue;
            auto made = candidate(
                known, target.model.empty() ? name : std::string_view(target.model), profile);
            if (!made) continue;
            made->priority = target.priority;
            route.candidates.push_back(std::move(*made));
        }
    }
    return route;
}

void RouteTable::add_models(const Sources& sources) {
    for (std::size_t i = 0; i < sources.models.size(); ++i) {
        const ModelConfig& model = sources.models[i];
        if (model.is_pattern()) continue;
        has_table_ = true;
        Route route = route_of(model, model.name, model.profile);
        route.turns = i;
        by_canonical_.try_emplace(canonical_or_self(model.name),
                                  std::make_shared<const Route>(std::move(route)));
    }
}

/// Every model of every engine under its own name, where the configuration does not name it.
void RouteTable::add_served(const Sources& sources) {
    std::map<std::string, Route> routes;
    for (const auto& known : engines_) {
        for (const auto& served : known.facts->models) {
            const std::string canonical = canonical_or_self(served.name);
            if (by_canonical_.contains(canonical)) continue;
            Route& route = routes[canonical];
            const bool there =
                std::any_of(route.candidates.begin(), route.candidates.end(),
                            [&](const Candidate& one) { return one.engine == known.engine; });
            if (there) continue;  // the first of two spellings
            if (auto made = candidate(known, served.name, no_profile()))
                route.candidates.push_back(std::move(*made));
        }
    }
    for (auto& [canonical, route] : routes) {
        if (route.candidates.empty()) continue;
        route.client_name = canonical;
        route.profile = no_profile();
        route.balance = sources.balance;
        route.turns = unlisted_turns_;
        by_canonical_.try_emplace(canonical, std::make_shared<const Route>(std::move(route)));
    }
}

void RouteTable::add_patterns(const Sources& sources) {
    for (std::size_t i = 0; i < sources.models.size(); ++i) {
        const ModelConfig& model = sources.models[i];
        if (!model.is_pattern()) continue;
        Pattern pattern{to_lower(model.name), model, i, nullptr};
        const bool fixed =
            std::none_of(model.targets.begin(), model.targets.end(),
                         [](const TargetConfig& target) { return target.model.empty(); });
        if (fixed) {
            Route route = route_of(model, model.name, model.profile);
            route.turns = i;
            route.listed = false;
            pattern.route = std::make_shared<const Route>(std::move(route));
        }
        patterns_.push_back(std::move(pattern));
    }
}

/// What neither the configuration's names nor the engines' lists know.
std::shared_ptr<const Route> RouteTable::without_table(
    std::string_view name, std::string_view canonical,
    const std::shared_ptr<const llm::Profile>& profile) const {
    for (const auto& pattern : patterns_) {
        if (!glob_match(pattern.glob, to_lower(name)) && !glob_match(pattern.glob, canonical))
            continue;
        if (pattern.route && !profile) {
            if (pattern.route->candidates.empty()) continue;
            return pattern.route;
        }
        Route route = route_of(pattern.model, name, profile ? profile : pattern.model.profile);
        if (route.candidates.empty()) continue;
        route.turns = pattern.turns;
        route.listed = false;
        return std::make_shared<const Route>(std::move(route));
    }
    // An Ollama engine knows best what it can load: a name that is not listed is its own to refuse.
    if (has_table_ || !llm::canonical_model_name(name)) return nullptr;
    Route route;
    for (const auto& known : engines_) {
        if (known.facts->dialect != llm::Dialect::kOllama ||
            known.facts->state == EngineFacts::State::kDown)
            continue;
        if (auto made = candidate(known, name, profile ? profile : no_profile()))
            route.candidates.push_back(std::move(*made));
    }
    if (route.candidates.empty()) return nullptr;
    route.client_name = canonical;
    route.profile = profile ? profile : no_profile();
    route.balance = balance_;
    route.turns = unlisted_turns_;
    route.listed = false;
    return std::make_shared<const Route>(std::move(route));
}

/// After everything else: an alias may point at any other name.
void RouteTable::add_aliases(const Sources& sources) {
    Names made;
    for (const auto& alias : sources.aliases) {
        std::string name = alias.target;
        std::string canonical = canonical_or_self(name);
        std::shared_ptr<const llm::Profile> profile = alias.profile;
        for (int step = 0; step < kLongestChain; ++step) {
            const auto next = std::find_if(
                sources.aliases.begin(), sources.aliases.end(),
                [&](const Alias& other) { return other.name == canonical && &other != &alias; });
            if (next == sources.aliases.end()) break;
            if (!profile) profile = next->profile;
            name = next->target;
            canonical = canonical_or_self(name);
        }
        const auto known = by_canonical_.find(canonical);
        std::shared_ptr<const Route> route =
            known != by_canonical_.end() ? known->second : without_table(name, canonical, profile);
        if (!route) continue;
        if (profile && route->profile != profile) {
            Route own = *route;
            own.profile = profile;
            for (auto& one : own.candidates) {
                const auto at =
                    std::find_if(engines_.begin(), engines_.end(),
                                 [&](const Known& engine) { return engine.engine == one.engine; });
                const int priority = one.priority;
                const std::string served = one.target.served_model;
                one = *candidate(*at, served, profile);
                one.priority = priority;
            }
            route = std::make_shared<const Route>(std::move(own));
        }
        made.insert_or_assign(alias.name, std::move(route));
    }
    // An alias wins over a name of the same spelling.
    for (auto& [name, route] : made)
        by_canonical_.insert_or_assign(name, std::move(route));
}

void RouteTable::add_spellings(const Sources& sources) {
    const auto add = [&](std::string spelling) {
        const auto found = by_canonical_.find(canonical_or_self(spelling));
        if (found != by_canonical_.end())
            by_spelling_.try_emplace(std::move(spelling), found->second);
    };
    constexpr std::string_view kLatest = ":latest";
    const auto add_forms = [&](std::string_view name) {
        if (trim(name) != name) return;
        add(std::string(name));
        add(to_lower(name));
        if (name.ends_with(kLatest)) add(std::string(name.substr(0, name.size() - kLatest.size())));
    };
    for (const auto& [canonical, route] : by_canonical_)
        add_forms(canonical);
    for (const auto& model : sources.models)
        if (!model.is_pattern()) add_forms(model.name);
    for (const auto& known : engines_)
        for (const auto& served : known.facts->models)
            add_forms(served.name);
}

std::shared_ptr<const Route> RouteTable::find(std::string_view asked) const {
    if (const auto found = by_spelling_.find(asked); found != by_spelling_.end())
        return found->second;
    asked = trim(asked);
    const std::string canonical = canonical_or_self(asked);
    if (const auto found = by_canonical_.find(canonical); found != by_canonical_.end())
        return found->second;
    return without_table(asked, canonical, nullptr);
}

void RouteTable::list_models(const Sources& sources) {
    std::map<std::string, ClientModel> models;
    const auto add = [&](std::string_view shown, bool alias, WallTime seen) {
        const std::string name = canonical_or_self(shown);
        models.try_emplace(name, ClientModel{name, std::string(shown), alias, seen});
    };
    for (const auto& model : sources.models) {
        if (model.is_pattern()) continue;
        WallTime seen{};
        bool any = false;
        for (const auto& target : model.targets) {
            for (const auto& known : engines_) {
                if (known.engine->name() != target.engine || !known.allowed) continue;
                any = true;
                const auto& name = target.model.empty() ? model.name : target.model;
                if (const auto* served = known.facts->find(name)) {
                    seen = served->first_seen;
                } else if (sources.dates) {  // it was there before this process
                    seen = sources.dates->find(known.engine->name(), name).value_or(seen);
                }
            }
        }
        if (any) add(model.name, false, seen);
    }
    if (!has_table_) {
        for (const auto& known : engines_) {
            if (!known.allowed || known.facts->state == EngineFacts::State::kDown) continue;
            for (const auto& served : known.facts->models)
                add(served.name, false, served.first_seen);
        }
    }
    for (const auto& alias : sources.aliases) {
        const auto found = by_canonical_.find(alias.name);
        if (found != by_canonical_.end() && !found->second->candidates.empty())
            add(alias.name, true, alias.made);
    }
    for (auto& [name, model] : models)
        client_models_.push_back(std::move(model));
}

}  // namespace segue::engine
