/// The parts of a running segue, and how they are put together.
///
/// Thread: the main thread's; the parts say what may be called from where.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/drained_file.hpp"
#include "engine/first_seen.hpp"
#include "gateway/gateway.hpp"
#include "people/people.hpp"
#include "serve/api/host.hpp"
#include "serve/api/session.hpp"
#include "serve/certificates.hpp"
#include "serve/chat_house.hpp"
#include "serve/daemon.hpp"
#include "serve/discovery.hpp"
#include "serve/document_house.hpp"
#include "serve/key_watch.hpp"
#include "serve/observe.hpp"
#include "serve/store_house.hpp"
#include "serve/takeover.hpp"
#include "serve/usage_keeper.hpp"
#include "serve/workers.hpp"

namespace segue::serve {

/// The parts of a running gateway, in the order in which they must live.
struct House {
    SystemClock clock;
    api::Context api_context;
    api::Host api{api_context};
    Config config;
    Environment environment;
    std::unique_ptr<store::Store> store;     // null: none
    std::string why_no_store;                // "" = none is wanted
    std::unique_ptr<people::People> people;  // null: no store
    std::unique_ptr<people::Oidc> oidc;      // null: not configured
    std::unique_ptr<api::PeopleAuthority> authority;
    std::unique_ptr<Observer> observer;  // null: no store
    std::unique_ptr<RehearsalHouse> rehearsal;
    std::unique_ptr<telemetry::SpanExporter> tracer;  // null: nothing is traced
    std::unique_ptr<engine::FirstSeen> dates;
    std::unique_ptr<engine::DrainedFile> drained;
    std::unique_ptr<gateway::Gateway> gateway;
    std::shared_ptr<engine::Registry> registry;
    std::unique_ptr<KeyWatch> keys;
    std::unique_ptr<UsageKeeper> usage;  // null: --no-store
    std::vector<net::Listener> listeners;
    bool activated = false;                    // a service manager opened them
    std::unique_ptr<DocumentHouse> documents;  // null: no store; owns the chat's embedding model
    std::unique_ptr<ChatHouse> chat;           // null: no store
    std::unique_ptr<Workers> workers;
    std::unique_ptr<Certificates> certificates;  // null: plain HTTP
    std::unique_ptr<TakeoverServer> takeover;    // null: nobody can take over
    std::jthread predecessor;  // waits until the process before this one has ended
    pid_t successor = 0;       // that SIGUSR2 started

    bool only_loopback() const {
        return std::all_of(listeners.begin(), listeners.end(),
                           [](const net::Listener& listener) { return listener.is_loopback(); });
    }
    /// Requests and answers of the chat under way.
    std::size_t busy() const { return workers->active() + (chat ? chat->chat().running() : 0); }
    /// Where a connection to 127.0.0.1 would come back to this process.
    std::vector<std::uint16_t> own_ports() const {
        std::vector<std::uint16_t> ports;
        for (const auto& listener : listeners)
            if (listener.hears_loopback()) ports.push_back(listener.port());
        return ports;
    }
    std::string addresses(std::string_view before, std::string_view between) const {
        std::string out;
        for (const auto& listener : listeners)
            out.append(out.empty() ? "" : between).append(before).append(listener.address());
        return out;
    }
};

/// The gateway never waits for the store, and runs without it; only two Segues on one data folder
/// are refused.
Result<void> furnish_store(House& house, const Config& config, bool taking_over);
/// The keys, of the file and the store. An error where other machines could come in without one.
Result<void> furnish_keys(House& house, const Config& config);
/// Those that stand at the usual addresses, and rehearsal engines, where none is configured.
Result<void> furnish_engines(House& house, Config& config);
/// Conversations and documents, where there is a store. `alone`: no other Segue uses it.
Result<void> furnish_chat(House& house, const Environment& environment, bool alone);
/// From the segue that is running, from the service manager, or opened here.
Result<void> furnish_listeners(House& house, const Config& config, const Environment& environment,
                               std::optional<Takeover>& takeover);
/// For its own user only, before anything is kept there. Where it cannot be made, what wants to
/// keep something says so.
void make_data_folder(const std::string& folder);

/// The configuration in force from now on.
void install(House& house, Config config);
/// Reads it again; a bad one changes nothing.
void reload(House& house, const ServeOptions& options);

}  // namespace segue::serve
