/// The gateway: what all workers share (an immutable snapshot of configuration and registry,
/// aliases, metrics), and the net::Application of one worker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "engine/registry.hpp"
#include "gateway/admission.hpp"
#include "gateway/aliases.hpp"
#include "gateway/config.hpp"
#include "gateway/keyring.hpp"
#include "net/client.hpp"
#include "net/server.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/span_exporter.hpp"

namespace segue::gateway {

/// What one request sees from its beginning to its end, whatever is reloaded meanwhile.
struct Snapshot {
    std::shared_ptr<const GatewayConfig> config;
    std::shared_ptr<engine::Registry> registry;
    std::shared_ptr<const Keyring> keys;
    std::shared_ptr<const AdmissionTable> admissions;  // null: no engine has a limit
};

/// A complete answer that needs no engine.
struct LocalAnswer {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    net::Headers headers = {};
};

/// Paths that are Segue's own: /segue/v1/*, /metrics, /livez, /readyz. Implemented above
/// (src/serve).
class OwnApi {
public:
    virtual ~OwnApi() = default;
    virtual LocalAnswer answer(const net::RequestHead& head, std::string_view body) = 0;
    /// Must a key be shown for this path?
    virtual bool guarded(std::string_view path) const = 0;
};

class Gateway {
public:
    /// `clock` and `own_api` must outlive the gateway.
    Gateway(const Clock& clock, OwnApi& own_api, std::unique_ptr<AliasStore> aliases);

    /// Replaces the snapshot for requests that come from now on.
    void reload(GatewayConfig config, std::shared_ptr<engine::Registry> registry);
    /// The same for the keys that `segue keys` keeps; those of the configuration stay.
    void set_keys(std::vector<Key> keys);
    std::vector<Key> kept_keys() const;
    Snapshot snapshot() const;

    telemetry::Metrics& metrics() { return metrics_; }
    AliasStore& aliases() { return *aliases_; }
    /// Hands the list of aliases to the registry in force.
    void publish_aliases();
    const Clock& clock() const { return clock_; }
    /// Traces requests from now on; before the first one. The exporter must outlive them.
    void trace_with(telemetry::SpanExporter& tracer) { tracer_ = &tracer; }
    /// Null: nothing is traced.
    telemetry::SpanExporter* tracer() const { return tracer_; }
    OwnApi& own_api() { return own_api_; }

    std::atomic<std::int64_t> connections{0};
    std::atomic<std::int64_t> active{0};

private:
    void hand_aliases_to(engine::Registry& registry) const;
    const Clock& clock_;
    OwnApi& own_api_;
    std::unique_ptr<AliasStore> aliases_;
    telemetry::Metrics metrics_;
    telemetry::SpanExporter* tracer_ = nullptr;
    mutable std::mutex mutex_;
    Snapshot snapshot_;
    std::vector<Key> kept_keys_;
};

/// One worker's side: its engine connections and its metric shard. Lives on the worker's loop.
class Worker final : public net::Application {
public:
    Worker(Gateway& gateway, net::Loop& loop);
    std::unique_ptr<net::Handler> make_handler(net::Responder& responder) override;
    std::pair<std::string, std::string> render_error(const net::ProtocolError& error) override;
    void on_connection_opened() override {
        gateway.connections.fetch_add(1, std::memory_order_relaxed);
    }
    void on_connection_closed() override {
        gateway.connections.fetch_sub(1, std::memory_order_relaxed);
    }
    void on_refused(net::Refusal refusal) override;

    Gateway& gateway;
    net::Loop& loop;
    net::Client client;
    telemetry::Shard& shard;
    Random random{random_seed()};  // chance in the choice of an engine
};

}  // namespace segue::gateway
