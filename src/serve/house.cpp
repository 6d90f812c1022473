#include "serve/house.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/log.hpp"
#include "serve/embedding.hpp"
#include "serve/service_manager.hpp"
#include "serve/settings_json.hpp"

namespace segue::serve {
namespace {

constexpr auto kFirstProbe = std::chrono::milliseconds(3'000);
constexpr auto kKeysPatience = std::chrono::milliseconds(15'000);
constexpr auto kShortPatience = std::chrono::milliseconds(3'000);

/// Other machines reach the listener, and nobody said that this is meant.
bool needs_key(const House& house, const Config& config) {
    return !house.only_loopback() && !config.insecure_no_auth;
}

Result<void> check_keys(const House& house, const Config& config) {
    const auto kept = house.gateway->kept_keys();
    const bool usable =
        !config.gateway.keys.empty() || std::any_of(kept.begin(), kept.end(), [&](const auto& key) {
            return key.usable(house.clock.wall());
        });
    if (usable || !needs_key(house, config)) return {};
    return fail(
        Fault::kInvalid,
        fmt::format("other machines can reach {}, and there is no usable key: everybody could use "
                    "what is behind it; make a key with 'segue keys create --name NAME', listen on "
                    "127.0.0.1, or say --insecure-no-auth",
                    house.addresses("", " and ")));
}

}  // namespace

Result<void> furnish_store(House& house, const Config& config, bool taking_over) {
    using Access = store::Cluster::Access;
    if (config.database.kind == DatabaseConfig::Kind::kNone) return {};
    auto opened = open_store(config, taking_over ? Access::kShare : Access::kOwn);
    if (opened) {
        house.store = std::move(*opened);
        house.observer = std::make_unique<Observer>(house.store->pool());
        house.people = std::make_unique<people::People>(house.store->pool(), house.clock);
        house.authority = std::make_unique<api::PeopleAuthority>(*house.people);
        if (config.oidc) house.oidc = std::make_unique<people::Oidc>(*config.oidc, house.clock);
    } else if (opened.error().fault == Fault::kConflict) {
        return tl::make_unexpected(std::move(opened).error());
    } else {
        house.why_no_store = opened.error().detail;
        log::warning("the gateway runs without a store (no chat page, no people, no documents): {}",
                     house.why_no_store);
    }
    return {};
}

Result<void> furnish_engines(House& house, Config& config) {
    if (config.discover) {
        const bool found = add_usual_engines(config.registry, house.clock, house.own_ports());
        if (!found && config.rehearsal && !house.rehearsal) {
            SEGUE_TRY(rehearsal, RehearsalHouse::start());
            house.rehearsal = std::move(rehearsal);
        }
    }
    if (house.rehearsal) house.rehearsal->add_to(config.registry);
    return {};
}

void install(House& house, Config config) {
    const auto before = house.registry;
    auto registry = std::make_shared<engine::Registry>(config.registry, house.clock, before.get());
    registry->keep_dates_in(*house.dates);
    for (const auto& engine : registry->engines())
        if (house.drained->has(engine->name()))
            engine->set_drained(true, house.clock.now(), "somebody before this start");
    registry->start();
    registry->wait_for_first_probe(kFirstProbe);
    config.gateway.check_host = house.only_loopback();
    house.gateway->reload(config.gateway, registry);
    house.keys->keep_last_key(needs_key(house, config));
    house.registry = registry;
    // Requests under way still hold the old registry; only its threads end here.
    if (before) before->stop();
    log::configure(config.log_level, config.log_format);
    if (house.chat) house.chat->list_in_models(config.retrieval.listed);
    house.config = std::move(config);
    house.api_context.settings.store(
        std::make_shared<const std::string>(settings_json(house.config, house.environment)));
}

void reload(House& house, const ServeOptions& options) {
    LoadedConfig fresh = load_config(options.flags, options.environment);
    if (!fresh.issues.empty()) {
        log::error("the configuration was not reloaded; what runs stays as it was: {}",
                   describe_issues(fresh.issues));
        return;
    }
    if (needs_key(house, fresh.config) && fresh.config.gateway.keys.empty() &&
        house.gateway->kept_keys().empty()) {
        log::error(
            "the configuration was not reloaded: it has no key any more, and other machines reach "
            "{}; give it a key, or say insecure_no_auth: true",
            house.addresses("", " and "));
        return;
    }
    const Config& old = house.config;
    if (fresh.config.listen != old.listen || fresh.config.workers != old.workers ||
        fresh.config.data_dir != old.data_dir || !(fresh.config.limits == old.limits) ||
        fresh.config.connections_per_address != old.connections_per_address)
        log::warning(
            "listen, workers, data_dir and limits change only with a restart; everything else is "
            "in force now");
    if (fresh.config.tls.has_value() != old.tls.has_value()) {
        log::warning("TLS is turned on and off only with a restart");
        fresh.config.tls = old.tls;
    } else if (fresh.config.tls && !house.certificates->reload(*fresh.config.tls)) {
        fresh.config.tls = old.tls;
    }
    if (const auto furnished = furnish_engines(house, fresh.config); !furnished) {
        log::error("the configuration was not reloaded: {}", furnished.error().detail);
        return;
    }
    install(house, std::move(fresh.config));
    log::info("configuration reloaded");
}

Result<void> furnish_keys(House& house, const Config& config) {
    SEGUE_TRY(keys,
              KeyWatch::open(gateway::KeyFile(config.data_dir), *house.gateway, house.store.get()));
    house.keys = std::move(keys);
    house.api_context.keys = house.keys.get();
    // A replica's first start has no copy of the keys yet, and is open until it has read them;
    // where other machines come in it does not start without.
    const bool shared = config.database.kind == DatabaseConfig::Kind::kUrl;
    const bool needs = needs_key(house, config);
    if (house.gateway->kept_keys().empty() && (shared || needs))
        house.keys->wait_for_store(needs ? kKeysPatience : kShortPatience);
    return check_keys(house, config);
}

Result<void> furnish_chat(House& house, const Environment& environment, bool alone) {
    if (!house.store) return {};
    SEGUE_TRY(chat, ChatHouse::open(house.api_context, *house.store,
                                    {.environment = environment, .alone = alone}));
    house.chat = std::move(chat);
    house.chat->list_in_models(house.config.retrieval.listed);
    const auto config = std::make_shared<const Config>(house.config);
    house.documents = std::make_unique<DocumentHouse>(
        *house.store,
        DocumentHouse::Options{
            [config, environment](const std::stop_token& stop) {
                return open_embedder(*config, environment, stop);
            },
            [config, environment](const rag::StoredModel& model, const std::stop_token& stop) {
                return open_stored_embedder(model, *config, environment, stop);
            },
            alone, [&house](const rag::Embedder& model) { house.chat->use(model); }});
    house.api_context.documents = house.documents.get();
    return {};
}

Result<void> furnish_listeners(House& house, const Config& config, const Environment& environment,
                               std::optional<Takeover>& takeover) {
    if (takeover) {
        Inheritance& old = takeover->inheritance();
        house.activated = old.activated;
        for (auto& listener : old.listeners)
            if (old.activated || listener.serves(config.listen))
                house.listeners.push_back(std::move(listener));
        if (!house.listeners.empty()) return {};
        log::warning("the running segue listens elsewhere; its address is given up for {}",
                     config.listen);
    } else {
        SEGUE_TRY(activated, activated_listeners(environment));
        house.activated = !activated.empty();
        house.listeners = std::move(activated);
        if (house.activated) {
            log::info("listening on the sockets of the service manager; 'listen' is not used");
            return {};
        }
    }
    SEGUE_TRY(listener, net::Listener::open(config.listen));
    house.listeners.push_back(std::move(listener));
    return {};
}

void make_data_folder(const std::string& folder) {
    std::error_code error;
    if (std::filesystem::create_directories(folder, error))
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
}

}  // namespace segue::serve
