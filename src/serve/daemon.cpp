#include "serve/daemon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <ostream>
#include <thread>

#include "base/log.hpp"
#include "gateway/gateway.hpp"
#include "serve/discovery.hpp"
#include "serve/key_watch.hpp"
#include "serve/own_api.hpp"
#include "serve/workers.hpp"

namespace segue::serve {
namespace {

constexpr auto kFirstProbe = std::chrono::milliseconds(3'000);
constexpr auto kPoll = std::chrono::milliseconds(20);

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&set, signal);
    return set;
}

/// The parts of a running gateway, in the order in which they must live.
struct House {
    SystemClock clock;
    OwnApiRoutes own_api;
    Config config;
    std::unique_ptr<RehearsalHouse> rehearsal;
    std::unique_ptr<gateway::Gateway> gateway;
    std::shared_ptr<engine::Registry> registry;
    std::unique_ptr<KeyWatch> keys;
    std::unique_ptr<net::Listener> listener;
    std::unique_ptr<Workers> workers;
};

Result<void> furnish_engines(House& house, Config& config) {
    if (config.discover) {
        const bool found = add_usual_engines(config.registry, house.clock);
        if (!found && config.rehearsal && !house.rehearsal) {
            SEGUE_TRY(rehearsal, RehearsalHouse::start());
            house.rehearsal = std::move(rehearsal);
        }
    }
    if (house.rehearsal) house.rehearsal->add_to(config.registry);
    return {};
}

/// Other machines reach the listener, and nobody said that this is meant.
bool needs_key(const House& house, const Config& config) {
    return !house.listener->is_loopback() && !config.insecure_no_auth;
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
                    house.listener->address()));
}

void install(House& house, Config config) {
    const auto before = house.registry;
    auto registry = std::make_shared<engine::Registry>(config.registry, house.clock, before.get());
    registry->start();
    registry->wait_for_first_probe(kFirstProbe);
    config.gateway.check_host = house.listener->is_loopback();
    house.gateway->reload(config.gateway, registry);
    house.keys->keep_last_key(needs_key(house, config));
    house.registry = registry;
    // Requests under way still hold the old registry; only its threads end here.
    if (before) before->stop();
    log::configure(config.log_level, config.log_format);
    house.config = std::move(config);
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
            house.listener->address());
        return;
    }
    const Config& old = house.config;
    if (fresh.config.listen != old.listen || fresh.config.workers != old.workers ||
        fresh.config.data_dir != old.data_dir || !(fresh.config.limits == old.limits) ||
        fresh.config.connections_per_address != old.connections_per_address)
        log::warning(
            "listen, workers, data_dir and limits change only with a restart; everything else is "
            "in force now");
    if (const auto furnished = furnish_engines(house, fresh.config); !furnished) {
        log::error("the configuration was not reloaded: {}", furnished.error().detail);
        return;
    }
    install(house, std::move(fresh.config));
    log::info("configuration reloaded");
}

void announce(const House& house, std::ostream& banner) {
    banner << fmt::format("segue {} listens on http://{}\n", SEGUE_VERSION,
                          house.listener->address());
    for (const auto& engine : house.registry->engines()) {
        const auto facts = engine->facts();
        const bool up = facts->state == engine::EngineFacts::State::kUp;
        banner << fmt::format("  engine {}: {} at {}{}\n", engine->name(),
                              up ? facts->kind + " " + facts->version : "not there",
                              engine->config().origin.to_string(),
                              facts->rehearsal ? " (rehearsal: a stand-in, not a model)" : "");
    }
    if (!house.listener->is_loopback() && !house.gateway->snapshot().keys->required()) {
        static constexpr std::string_view kOpen =
            "there is no key, as --insecure-no-auth says: everybody who reaches this address may "
            "use every engine behind it";
        banner << fmt::format("  WARNING: {}\n", kOpen);
        log::warning("{}", kOpen);
    }
    const auto models = house.registry->client_models();
    std::string names;
    for (const auto& model : models)
        names += (names.empty() ? "" : ", ") + model.name;
    banner << fmt::format("  models: {}\n", names.empty() ? "none yet" : names);
    banner.flush();
}

Result<void> write_port_file(const std::string& file, const std::string& address) {
    if (file.empty()) return {};
    std::ofstream out(file, std::ios::trunc);
    out << address << '\n';
    out.close();
    if (!out)
        return fail(Fault::kIo,
                    fmt::format("cannot write {}; check the folder and its permissions", file));
    return {};
}

/// Signals until it is time to go. False: gone without waiting (a second signal).
void drain(House& house, const sigset_t& signals) {
    log::info("stopping: no new requests, {} under way have {} s", house.workers->active(),
              std::chrono::duration_cast<std::chrono::seconds>(house.config.drain).count());
    house.own_api.begin_draining();
    house.workers->drain();
    house.listener
        .reset();  // nobody accepts any more: new connections are refused rather than left waiting
    const TimePoint deadline = house.clock.now() + house.config.drain;
    while (house.workers->active() > 0 && house.clock.now() < deadline) {
        const timespec wait{0, std::chrono::nanoseconds(kPoll).count()};
        const int signal = sigtimedwait(&signals, nullptr, &wait);
        if (signal == SIGINT || signal == SIGTERM) {
            log::warning("stopping at once: {} requests are cut", house.workers->active());
            return;
        }
    }
    if (house.workers->active() > 0)
        log::warning("the deadline is over: {} requests are cut", house.workers->active());
}

}  // namespace

std::string describe_issues(const std::vector<SettingIssue>& issues) {
    std::string out;
    for (const auto& issue : issues)
        out += (out.empty() ? "" : "\n") + issue.to_string();
    return out;
}

Result<void> serve(ServeOptions options, std::ostream& banner) {
    LoadedConfig loaded = load_config(options.flags, options.environment);
    if (!loaded.issues.empty()) return fail(Fault::kInvalid, describe_issues(loaded.issues));

    // Threads inherit the mask: signals are taken by this thread alone.
    const sigset_t signals = handled_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    log::configure(loaded.config.log_level, loaded.config.log_format);

    House house;
    const Config& config = loaded.config;
    SEGUE_TRY(listener, net::Listener::open(config.listen));
    house.listener = std::make_unique<net::Listener>(std::move(listener));
    SEGUE_TRY(aliases, gateway::AliasStore::open(
                           config.gateway.allow_aliases ? config.data_dir + "/aliases.json" : ""));
    house.gateway =
        std::make_unique<gateway::Gateway>(house.clock, house.own_api, std::move(aliases));
    house.own_api.attach(*house.gateway);
    SEGUE_TRY(keys, KeyWatch::open(gateway::KeyFile(config.data_dir), *house.gateway));
    house.keys = std::move(keys);
    SEGUE_TRY_VOID(check_keys(house, config));
    SEGUE_TRY_VOID(furnish_engines(house, loaded.config));
    install(house, std::move(loaded.config));
    house.keys->start();

    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    SEGUE_TRY(workers,
              Workers::open(*house.gateway, house.config.workers ? house.config.workers : cores,
                            limits_for(house.config, house.listener->is_loopback())));
    house.workers = std::move(workers);
    house.workers->start(*house.listener);
    announce(house, banner);
    SEGUE_TRY_VOID(write_port_file(options.port_file, house.listener->address()));

    while (true) {
        int signal = 0;
        if (sigwait(&signals, &signal) != 0) continue;
        if (signal != SIGHUP) break;
        reload(house, options);
    }
    drain(house, signals);
    house.workers->stop();
    house.registry->stop();
    log::info("stopped");
    return {};
}

}  // namespace segue::serve
