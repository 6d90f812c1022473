#include "serve/engines_json.hpp"

#include <set>

#include "base/json.hpp"

namespace segue::serve {
namespace {

using engine::EngineFacts;

std::string_view state_name(EngineFacts::State state) {
    switch (state) {
        case EngineFacts::State::kUnknown: return "unknown";
        case EngineFacts::State::kUp: return "up";
        case EngineFacts::State::kDown: return "down";
    }
    return "unknown";
}

void write_optional(json::Writer& w, std::string_view name, const std::optional<double>& value) {
    w.key(name);
    value ? w.number(*value) : w.null();
}

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

void write_breaker(json::Writer& w, const engine::Breaker::Report& breaker) {
    using engine::Breaker;
    w.begin_object().member("state", engine::state_name(breaker.state)).key("reason");
    // Of a closed breaker the last reason is history; it stays in the log.
    std::holds_alternative<Breaker::Closed>(breaker.state) ? w.null() : w.string(breaker.reason);
    w.key("next_trial_in_ms");
    std::holds_alternative<Breaker::Open>(breaker.state)
        ? w.number(milliseconds(breaker.until_trial))
        : w.null();
    w.member("in_state_ms", milliseconds(breaker.since));
    w.member("last_ejection_ms", milliseconds(breaker.last_ejection));
    w.member("failures_in_a_row", breaker.failures_in_a_row);
    w.member("window_requests", breaker.window_requests);
    w.member("window_failures", breaker.window_failures);
    w.key("ejections").begin_object();
    for (std::size_t i = 0; i < breaker.ejections.size(); ++i)
        w.member(engine::fault_name(engine::kEngineFaults[i]), breaker.ejections[i]);
    w.end_object().end_object();
}

void write_admission(json::Writer& w, const gateway::Admission::State& state) {
    w.begin_object().member("kind", state.adaptive ? "adaptive" : "fixed");
    w.member("limit", state.limit).member("in_flight", state.in_flight);
    w.member("waiting_interactive", state.interactive).member("waiting_batch", state.batch);
    w.member("queue", state.capacity).key("baseline_ms");
    state.baseline ? w.number(milliseconds(*state.baseline)) : w.null();
    w.end_object();
}

/// How an engine is chosen, and by which figures: the engines' own only where all of one priority
/// tell fresh ones.
void write_balance(json::Writer& w, const engine::Resolution& resolution) {
    w.key("balance");
    resolution.route ? w.string(engine::balance_name(resolution.route->balance.balance)) : w.null();
    w.member("load", resolution.by_figures ? "engines" : "in_flight");
}

/// What one of a model's engines can do with it; empty where none tells. For those who may ask a
/// model, but not look at engines.
void write_capabilities(json::Writer& w, const engine::Resolution& resolution) {
    std::set<std::string> known;
    for (const auto& candidate : resolution.candidates) {
        const auto facts = candidate.engine->facts();
        const auto* served = facts->find(candidate.target.served_model);
        if (served) known.insert(served->capabilities.begin(), served->capabilities.end());
    }
    w.key("capabilities").begin_array();
    for (const auto& capability : known)
        w.string(capability);
    w.end_array();
}

void write_engine(json::Writer& w, const engine::Engine& engine, const Clock& clock,
                  SeenFrom seen_from, const gateway::AdmissionTable* admissions) {
    const auto facts = engine.facts();
    w.begin_object()
        .member("name", engine.name())
        .member("url", engine.config().origin.to_string());
    w.member("dialect", llm::dialect_name(facts->dialect)).member("kind", facts->kind);
    w.member("version", facts->version).member("state", state_name(facts->state));
    w.member("rehearsal", facts->rehearsal).member("sleeping", facts->sleeping);
    if (seen_from == SeenFrom::kGateway) {
        const auto breaker = engine.breaker(clock.now());
        w.member("ejected", std::holds_alternative<engine::Breaker::Open>(breaker.state));
        w.key("breaker");
        write_breaker(w, breaker);
        w.member("in_flight", engine.in_flight()).member("drained", engine.drained());
    }
    w.key("problem");
    facts->problem.empty() ? w.null() : w.string(facts->problem);
    w.key("models").begin_array();
    for (const auto& model : facts->models) {
        w.begin_object().member("name", model.name).key("max_model_len");
        model.max_model_len ? w.integer(*model.max_model_len) : w.null();
        w.key("capabilities").begin_array();
        for (const auto& capability : model.capabilities)
            w.string(capability);
        w.end_array().end_object();
    }
    w.end_array();
    w.member("latency_ms", milliseconds(facts->latency));
    write_optional(w, "running", facts->load.running);
    write_optional(w, "waiting", facts->load.waiting);
    write_optional(w, "kv_cache_usage", facts->load.kv_cache_usage);
    w.member("load_signal", engine::signal_name(engine.signal(facts->load, clock.now())));
    const auto age = engine::Engine::age(facts->load, clock.now());
    w.key("load_age_ms");
    age ? w.number(milliseconds(*age)) : w.null();
    const auto door = admissions ? admissions->find(engine.name()) : nullptr;
    w.key("admission");
    door ? write_admission(w, door->state()) : void(w.null());
    w.key("probed_at");
    facts->probed == WallTime{} ? w.null() : w.string(rfc3339(facts->probed));
    w.end_object();
}

}  // namespace

std::string models_json(const engine::Registry& registry) {
    return json::object([&](json::Writer& w) {
        w.key("models").begin_array();
        for (const auto& model : registry.client_models()) {
            const auto resolution = registry.resolve(model.name);
            w.begin_object().member("name", model.name).member("alias", model.alias);
            w.member("healthy", resolution.healthy);
            write_balance(w, resolution);
            write_capabilities(w, resolution);
            w.key("targets").begin_array();
            for (const auto& candidate : resolution.candidates) {
                w.begin_object().member("engine", candidate.engine->name());
                w.member("model", candidate.target.served_model);
                w.member("priority", candidate.priority).end_object();
            }
            w.end_array().end_object();
        }
        w.end_array();
    });
}

std::string engine_json(const engine::Engine& engine, const Clock& clock,
                        const gateway::AdmissionTable* admissions) {
    std::string out;
    json::Writer w(out);
    write_engine(w, engine, clock, SeenFrom::kGateway, admissions);
    return out;
}

std::string engine_log_json(const engine::Engine& engine, const Clock& clock) {
    return json::object([&](json::Writer& w) {
        w.key("changes").begin_array();
        for (const auto& change : engine.log().newest()) {
            w.begin_object();
            w.member("at", rfc3339(clock.wall() - std::chrono::duration_cast<WallTime::duration>(
                                                      clock.now() - change.at)));
            w.member("change", engine::change_name(change.kind)).member("detail", change.detail);
            w.end_object();
        }
        w.end_array();
    });
}

std::string engines_json(const engine::Registry& registry, const Clock& clock, SeenFrom seen_from,
                         const gateway::AdmissionTable* admissions) {
    return json::object([&](json::Writer& w) {
        w.key("engines").begin_array();
        for (const auto& engine : registry.engines())
            write_engine(w, *engine, clock, seen_from, admissions);
        w.end_array();
    });
}

}  // namespace segue::serve
