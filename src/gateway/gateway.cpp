#include "gateway/gateway.hpp"

#include "base/json.hpp"
#include "gateway/exchange.hpp"
#include "gateway/metric_names.hpp"
#include "gateway/retriever.hpp"
#include "gateway/routes.hpp"
#include "llm/failure.hpp"

namespace segue::gateway {
namespace {

llm::Failure::Cause cause_of(int status) {
    switch (status) {
        case 413: return llm::Failure::Cause::kTooLarge;
        case 429: return llm::Failure::Cause::kRateLimited;
        case 503: return llm::Failure::Cause::kUnreachable;
        default: return llm::Failure::Cause::kBadRequest;
    }
}

}  // namespace

Gateway::Gateway(const Clock& clock, OwnApi& own_api, std::unique_ptr<AliasStore> aliases)
    : clock_(clock), own_api_(own_api), aliases_(std::move(aliases)) {
    metrics_.on_scrape([this](const telemetry::Metrics::Emit& emit) {
        emit(metric::kInfo, {{"version", SEGUE_VERSION}}, 1);
        emit(metric::kConnections, {},
             static_cast<double>(connections.load(std::memory_order_relaxed)));
        emit(metric::kActive, {}, static_cast<double>(active.load(std::memory_order_relaxed)));
        if (tracer_ != nullptr) {
            const auto counts = tracer_->counts();
            emit(metric::kTraces, {{"outcome", "exported"}}, static_cast<double>(counts.exported));
            emit(metric::kTraces, {{"outcome", "queue_full"}},
                 static_cast<double>(counts.queue_full));
            emit(metric::kTraces, {{"outcome", "failed"}}, static_cast<double>(counts.failed));
        }
        const Snapshot now = snapshot();
        if (!now.registry) return;
        if (now.admissions) {
            for (const auto& [name, door] : now.admissions->doors()) {
                const auto state = door->state();
                emit(metric::kAdmissionLimit, {{"engine", name}}, state.limit);
                emit(metric::kAdmissionInFlight, {{"engine", name}},
                     static_cast<double>(state.in_flight));
                emit(metric::kAdmissionWaiting, {{"engine", name}, {"priority", "interactive"}},
                     static_cast<double>(state.interactive));
                emit(metric::kAdmissionWaiting, {{"engine", name}, {"priority", "batch"}},
                     static_cast<double>(state.batch));
            }
        }
        for (const auto& engine : now.registry->engines()) {
            const auto facts = engine->facts();
            const telemetry::Labels labels{{"engine", engine->name()}, {"kind", facts->kind}};
            emit(metric::kEngineUp, labels,
                 facts->state == engine::EngineFacts::State::kUp ? 1 : 0);
            emit(metric::kEngineDrained, labels, engine->drained() ? 1 : 0);
            const auto breaker = engine->breaker(clock_.now());
            const auto state = static_cast<double>(engine::severity(breaker.state));
            emit(metric::kEngineEjected, labels, state == 2 ? 1 : 0);
            emit(metric::kEngineBreaker, labels, state);
            for (std::size_t i = 0; i < breaker.ejections.size(); ++i)
                emit(metric::kEngineEjections,
                     {{"engine", engine->name()},
                      {"reason", engine::fault_name(engine::kEngineFaults[i])}},
                     static_cast<double>(breaker.ejections[i]));
            emit(metric::kEngineInFlight, labels, static_cast<double>(engine->in_flight()));
            const TimePoint at = clock_.now();
            if (const auto age = engine::Engine::age(facts->load, at))
                emit(metric::kEngineLoadAge, labels, std::chrono::duration<double>(*age).count());
            emit(metric::kEngineLoadFresh, labels,
                 engine->signal(facts->load, at) == engine::LoadSignal::kFresh ? 1 : 0);
            emit(metric::kEngineProbeSeconds, labels,
                 std::chrono::duration<double>(facts->latency).count());
        }
    });
}

void Gateway::reload(GatewayConfig config, std::shared_ptr<engine::Registry> registry) {
    hand_aliases_to(*registry);
    Snapshot fresh{std::make_shared<const GatewayConfig>(std::move(config)), std::move(registry),
                   nullptr, nullptr};
    const std::lock_guard lock(mutex_);
    fresh.keys = std::make_shared<const Keyring>(fresh.config->keys, kept_keys_,
                                                 snapshot_.keys.get(), clock_.now());
    fresh.admissions =
        AdmissionTable::make(fresh.registry->options().engines, snapshot_.admissions.get(), clock_);
    std::swap(snapshot_, fresh);
}

void Gateway::set_keys(std::vector<Key> keys) {
    const std::lock_guard lock(mutex_);
    kept_keys_ = std::move(keys);
    if (!snapshot_.config) return;
    snapshot_.keys = std::make_shared<const Keyring>(snapshot_.config->keys, kept_keys_,
                                                     snapshot_.keys.get(), clock_.now());
}

std::vector<Key> Gateway::kept_keys() const {
    const std::lock_guard lock(mutex_);
    return kept_keys_;
}

Snapshot Gateway::snapshot() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
}

std::vector<std::string> Gateway::listed_collections() const {
    return retriever_ ? retriever_->listed() : std::vector<std::string>{};
}

void Gateway::publish_aliases() {
    hand_aliases_to(*snapshot().registry);
}

/// An alias has its target's profile as it is now, with what its create request said on top.
void Gateway::hand_aliases_to(engine::Registry& registry) const {
    auto aliases = aliases_->list();
    registry.set_aliases(aliases);  // an alias of an alias finds its target
    json::Parser parser;
    for (auto& alias : aliases) {
        if (alias.overrides.empty()) continue;
        const auto overrides = parser.parse(alias.overrides);
        if (!overrides) continue;
        const auto base = registry.resolve(alias.target).profile();
        auto profile = profile_from_create(base ? *base : llm::Profile{}, *overrides);
        if (profile) alias.profile = std::make_shared<const llm::Profile>(std::move(*profile));
    }
    registry.set_aliases(std::move(aliases));
}

Worker::Worker(Gateway& shared, net::Loop& own_loop)
    : gateway(shared),
      loop(own_loop),
      // As many connections rest as a busy moment used: with the client's default of 64 the next
      // moment of 256 requests would open 192 of them anew.
      client(own_loop, {.max_idle_per_origin = 1024}),
      shard(shared.metrics().make_shard()),
      usage(shared.usage().make_shard()) {
}

std::unique_ptr<net::Handler> Worker::make_handler(net::Responder& responder) {
    return std::make_unique<Exchange>(*this, responder);
}

void Worker::on_refused(net::Refusal refusal) {
    shard.add(metric::kClientRefusals, {{"reason", std::string(net::refusal_name(refusal))}});
}

std::pair<std::string, std::string> Worker::render_error(const net::ProtocolError& error) {
    const auto query = error.target.find('?');
    const Route route = find_route("POST", std::string_view(error.target).substr(0, query));
    llm::Failure failure;
    failure.cause = cause_of(error.status);
    failure.status = error.status;
    failure.message = error.message;
    auto rendered = llm::render_failure(route.front, failure, "");
    return {std::move(rendered.body), std::move(rendered.content_type)};
}

}  // namespace segue::gateway
