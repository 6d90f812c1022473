#include "serve/daemon.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "serve/house.hpp"
#include "serve/service_manager.hpp"

namespace segue::serve {
namespace {

constexpr auto kCertificateLook = std::chrono::seconds(1);
constexpr auto kPoll = std::chrono::milliseconds(20);
// After a handover a kept-alive connection still gets one answer, which tells it to close: a client
// that is busy never sees its connection cut under a request.
constexpr auto kIdleGrace = std::chrono::milliseconds(5'000);
// This process to itself: a successor took over.
constexpr int kHandedOver = SIGUSR1;
constexpr auto kSaveUsage = std::chrono::seconds(5);
constexpr auto kLastSpans = std::chrono::milliseconds(3'000);

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, kHandedOver, SIGUSR2, SIGCHLD})
        sigaddset(&set, signal);
    return set;
}

/// Shells and services start programs with 1024 descriptors for select()'s sake; a gateway needs
/// two a request and one a waiting client. What the administrator set as the hard limit is the real
/// one.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
    if (before >= limit.rlim_max || ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_max;
    log::warning("cannot raise the limit of open files from {} to {}", before, limit.rlim_max);
    return before;
}

void announce(const House& house, std::ostream& banner) {
    banner << fmt::format("segue {} listens on {}\n", SEGUE_VERSION,
                          house.addresses(house.certificates ? "https://" : "http://", " and "));
    for (const auto& engine : house.registry->engines()) {
        const auto facts = engine->facts();
        const bool up = facts->state == engine::EngineFacts::State::kUp;
        banner << fmt::format("  engine {}: {} at {}{}\n", engine->name(),
                              up ? facts->kind + " " + facts->version : "not there",
                              engine->config().origin.to_string(),
                              facts->rehearsal ? " (rehearsal: a stand-in, not a model)" : "");
    }
    if (!house.only_loopback() && !house.gateway->snapshot().keys->required()) {
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

/// When the store is there and nobody else: the link that makes the administrator. On standard
/// output, where the start is told, not in the log: whoever has it owns the house.
void invite(House& house, std::ostream& banner) {
    // A wildcard address is no link; from this machine it is loopback.
    std::string address = house.listeners.empty() ? "" : house.listeners.front().address();
    for (const std::string_view any : {"0.0.0.0:", "[::]:"})
        if (address.starts_with(any)) address.replace(0, any.size(), "127.0.0.1:");
    house.store->when_ready([&house, &banner, address,
                             scheme = house.certificates ? "https" : "http"] {
        const auto token = house.people->make_setup_token();
        if (!token)
            log::warning("there is no link for the first administrator: {}", token.error().detail);
        else if (!token->empty())
            banner << fmt::format(
                          "  nobody has an account yet; make the administrator's (once, within a "
                          "day): {}://{}/ui/setup#token={}\n",
                          scheme, address, *token)
                   << std::flush;
    });
}

Result<void> write_port_file(const std::string& file, const std::string& addresses) {
    if (file.empty()) return {};
    // In one step: who waits for the file, or reads it while another process takes over, never
    // sees half of it.
    const std::string fresh = file + ".new";
    std::ofstream out(fresh, std::ios::trunc);
    out << addresses << '\n';
    out.close();
    if (!out || std::rename(fresh.c_str(), file.c_str()) != 0)
        return fail(Fault::kIo,
                    fmt::format("cannot write {}; check the folder and its permissions", file));
    return {};
}

/// From here on another process may take over. Where that is impossible Segue runs all the same.
void await_successor(House& house, bool took_over) {
    const std::string& folder = house.config.data_dir;
    const std::string path = takeover_path(folder);
    if (!took_over && net::LocalSocket::connect(path)) {
        log::warning(
            "another segue uses {} too; segue serve --takeover will reach that one: give each its "
            "own --data-dir",
            folder);
        return;
    }
    TakeoverServer::Options options;
    options.path = path;
    options.user = ::geteuid();
    for (const auto& listener : house.listeners)
        options.listeners.push_back(listener.fd());
    options.activated = house.activated;
    options.stop_accepting = [&house] { house.workers->stop_accepting(); };
    options.accept_again = [&house] { house.workers->accept_from(house.listeners); };
    options.handed_over = [main = ::pthread_self()] { ::pthread_kill(main, kHandedOver); };
    auto server = TakeoverServer::start(std::move(options));
    if (server) {
        house.takeover = std::move(*server);
    } else {
        log::info("segue serve --takeover will not find this segue: {}", server.error().detail);
    }
}

/// The old process goes on with what it has; what it changed in the data folder is read when it is
/// over.
void watch_predecessor(House& house, Takeover takeover) {
    house.predecessor =
        std::jthread([&house, takeover = std::move(takeover)](const std::stop_token& stop) mutable {
            const auto read_aliases = [&] {
                if (const auto read = house.gateway->aliases().refresh(); !read)
                    log::warning("{}", read.error().detail);
                house.gateway->publish_aliases();
            };
            read_aliases();
            takeover.wait_for_end(stop);
            if (stop.stop_requested()) return;
            read_aliases();
            log::info("the old segue (pid {}) has ended", takeover.inheritance().pid);
        });
}

void start_successor(House& house) {
    if (!house.takeover) {
        log::error("no successor is started: it could not reach this segue (see the first lines)");
        return;
    }
    const auto pid = spawn_successor();
    if (!pid) {
        log::error("no successor is started: {}", pid.error().detail);
        return;
    }
    house.successor = *pid;
    log::info("started a successor (pid {})", *pid);
}

void reap_successor(House& house) {
    int status = 0;
    if (house.successor == 0 || ::waitpid(house.successor, &status, WNOHANG) <= 0) return;
    log::error("the successor (pid {}) ended with {}; this segue goes on", house.successor,
               WIFEXITED(status) ? fmt::format("exit status {}", WEXITSTATUS(status))
                                 : fmt::format("signal {}", WTERMSIG(status)));
    house.successor = 0;
}

/// A successor has the listening sockets: what is here goes on to its end, or to the deadline.
void retire(House& house, const sigset_t& signals) {
    log::info("another segue took over; {} requests go on here for at most {} s",
              house.workers->active(),
              std::chrono::duration_cast<std::chrono::seconds>(house.config.drain).count());
    house.workers->retire();
    house.api.begin_draining();
    house.listeners.clear();
    const TimePoint begin = house.clock.now();
    const TimePoint deadline = begin + house.config.drain;
    bool idle_may_stay = true;
    bool told_to_stop = false;
    while (house.clock.now() < deadline) {
        const bool idle_left =
            idle_may_stay && house.gateway->connections.load(std::memory_order_relaxed) > 0;
        if (house.busy() == 0 && !idle_left) return;
        if (idle_may_stay && house.clock.now() >= begin + kIdleGrace) {
            idle_may_stay = false;
            house.workers->drain();
        }
        const timespec wait{0, std::chrono::nanoseconds(kPoll).count()};
        const int signal = sigtimedwait(&signals, nullptr, &wait);
        if (signal != SIGINT && signal != SIGTERM) continue;
        // Who stops the service stops both processes; this one is draining already.
        if (!std::exchange(told_to_stop, true)) continue;
        break;
    }
    if (house.workers->active() > 0) log::warning("{} requests are cut", house.workers->active());
}

/// Signals until it is time to go. False: gone without waiting (a second signal).
void drain(House& house, const sigset_t& signals) {
    house.api.begin_draining();
    house.workers->drain();
    log::info("stopping: no new requests, {} under way have {} s", house.workers->active(),
              std::chrono::duration_cast<std::chrono::seconds>(house.config.drain).count());
    // Nobody accepts any more: new connections are refused rather than left waiting (unless a
    // service manager holds the sockets too, and starts the next segue).
    house.listeners.clear();
    const TimePoint deadline = house.clock.now() + house.config.drain;
    while (house.busy() > 0 && house.clock.now() < deadline) {
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
    const std::size_t descriptors = raise_descriptor_limit();

    const ServiceManager manager(options.environment);
    std::optional<Takeover> takeover;
    if (options.start == ServeOptions::Start::kTakeover) {
        SEGUE_TRY(begun, Takeover::begin(takeover_path(loaded.config.data_dir)));
        takeover = std::move(begun);
        if (!takeover)
            log::info("no segue to take over from uses {}; starting as if without --takeover",
                      loaded.config.data_dir);
    }

    House house;
    house.environment = options.environment;
    const Config& config = loaded.config;
    if (config.tls) {
        SEGUE_TRY(certificates, Certificates::open(*config.tls));
        house.certificates = std::move(certificates);
    }
    SEGUE_TRY_VOID(furnish_listeners(house, config, options.environment, takeover));
    make_data_folder(config.data_dir);
    house.dates = std::make_unique<engine::FirstSeen>(
        config.gateway.allow_aliases ? config.data_dir + "/models.json" : "");
    house.drained = std::make_unique<engine::DrainedFile>(config.data_dir + "/drained.json");
    house.api_context.drained = house.drained.get();
    SEGUE_TRY_VOID(furnish_store(house, config, takeover.has_value()));
    SEGUE_TRY(aliases, gateway::AliasStore::open(
                           config.gateway.allow_aliases ? config.data_dir + "/aliases.json" : ""));
    house.gateway = std::make_unique<gateway::Gateway>(house.clock, house.api, std::move(aliases));
    house.api_context.gateway = house.gateway.get();
    house.api_context.store = house.store.get();
    house.api_context.people = house.people.get();
    house.api_context.oidc = house.oidc.get();
    house.api_context.authority = house.authority.get();
    house.api_context.secure_cookies = config.tls.has_value();
    house.api_context.store_state = [&house] {
        return store_state(house.store.get(), house.why_no_store);
    };
    house.api_context.observer = house.observer.get();
    if (house.observer) house.gateway->observe_with(*house.observer);
    house.api_context.started = house.clock.now();
    if (config.tracing) {
        SEGUE_TRY(tracer, telemetry::SpanExporter::start(*config.tracing));
        house.tracer = std::move(tracer);
        house.gateway->trace_with(*house.tracer);
        log::info("traces go to {}{}", config.tracing->origin.to_string(), config.tracing->path);
    }
    if (config.gateway.allow_aliases) {
        house.gateway->usage().keep_in(config.data_dir + "/usage.json", house.clock.wall());
        house.usage = std::make_unique<UsageKeeper>(house.gateway->usage(), kSaveUsage);
    }
    SEGUE_TRY_VOID(furnish_keys(house, config));
    SEGUE_TRY_VOID(furnish_engines(house, loaded.config));
    install(house, std::move(loaded.config));
    house.keys->start();
    const bool alone = house.store && house.store->status().is_private && !takeover;
    SEGUE_TRY_VOID(furnish_chat(house, options.environment, alone));

    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    SEGUE_TRY(workers,
              Workers::open(*house.gateway, house.config.workers ? house.config.workers : cores,
                            limits_for(house.config, house.only_loopback(), descriptors)));
    house.workers = std::move(workers);
    house.workers->start();
    if (house.certificates) {
        house.workers->use_tls(house.certificates->context());
        house.certificates->watch(kCertificateLook, [&house](const Certificates::Context& fresh) {
            house.workers->use_tls(fresh);
        });
    }
    house.workers->accept_from(house.listeners);
    const bool taking_over = takeover.has_value();
    if (taking_over) {
        const auto completed = takeover->complete();
        if (!completed) {
            // The old one accepts; what this one has accepted meanwhile is answered.
            drain(house, signals);
            return tl::make_unexpected(completed.error());
        }
        const Inheritance& old = takeover->inheritance();
        log::info("took over from segue {} (pid {}){}", old.version, old.pid,
                  *completed == Takeover::End::kDied ? ", which has ended" : "");
        watch_predecessor(house, std::move(*takeover));
    }
    await_successor(house, taking_over);
    announce(house, banner);
    if (house.store) invite(house, banner);
    SEGUE_TRY_VOID(write_port_file(options.port_file, house.addresses("", "\n")));
    manager.ready("listening on " + house.addresses("", ", "));

    while (true) {
        int signal = 0;
        if (sigwait(&signals, &signal) != 0) continue;
        if (signal == SIGHUP) {
            manager.reloading();
            reload(house, options);
            manager.ready("listening on " + house.addresses("", ", "));
        } else if (signal == SIGUSR2) {
            start_successor(house);
        } else if (signal == SIGCHLD) {
            reap_successor(house);
        } else if (signal != kHandedOver || (house.takeover && house.takeover->handed_over())) {
            break;
        }
    }
    if (house.takeover) house.takeover->stop();
    if (house.takeover && house.takeover->handed_over()) {
        retire(house, signals);
    } else {
        manager.stopping();
        drain(house, signals);
    }
    house.predecessor = {};
    if (house.chat) house.chat->stop();
    if (house.documents) house.documents->stop();
    house.api.stop();  // its threads answer through the workers' loops
    house.workers->stop();
    house.registry->stop();
    house.usage.reset();
    if (house.tracer) house.tracer->stop(kLastSpans);
    if (house.observer) house.observer->log().stop();
    if (house.store && house.takeover && house.takeover->handed_over())
        house.store->leave();
    else if (house.store)
        house.store->stop();
    log::info("stopped");
    return {};
}

}  // namespace segue::serve
