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
#include "gateway/usage.hpp"
#include "net/client.hpp"
#include "net/server.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/span_exporter.hpp"

namespace segue::gateway {

struct RequestRecord;
class Retriever;

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

/// The answering side of one request to Segue's own API, for answers that take time. Lives as long
/// as the OwnWork that was given it; on the worker only.
class OwnSink {
public:
    virtual ~OwnSink() = default;
    /// The whole answer; the work is over.
    virtual void answer(const LocalAnswer& answer) = 0;
    /// Head of an answer that comes piece by piece; `answer.body` is its first piece.
    virtual void begin(const LocalAnswer& answer) = 0;
    virtual void send(std::string_view bytes) = 0;
    virtual void finish() = 0;
    /// Bytes that the client has not taken yet.
    virtual std::size_t unsent() const = 0;
    virtual net::Loop& loop() = 0;
};

/// What answers one request on a worker. Destroyed when the answer is over or the client has left.
class OwnWork {
public:
    virtual ~OwnWork() = default;
    /// The client has taken what was sent.
    virtual void on_drained() {}
};

/// One whole request to Segue's own API.
struct OwnRequest {
    const net::RequestHead& head;
    std::string body;
    std::string_view request_id;
    const KeyHolder* key = nullptr;  // that was shown; null: none, or none is asked for
};

/// Paths that are Segue's own: /segue/v1/*, /ui/*, /metrics, /livez, /readyz, and / for a browser.
/// Implemented above (src/serve). Thread: any worker's.
class OwnApi {
public:
    virtual ~OwnApi() = default;
    /// Answers at once (null), or later through `sink`.
    virtual std::unique_ptr<OwnWork> begin(OwnRequest request, OwnSink& sink) = 0;
    /// Must a key be shown for this request?
    virtual bool guarded(const net::RequestHead& head) const = 0;
    /// The largest body that is read for this request.
    virtual std::size_t body_limit(const net::RequestHead& head) const = 0;
};

/// Takes note of finished requests; implemented above (src/serve) or below by nobody.
class RecordSink {
public:
    virtual ~RecordSink() = default;
    /// On a worker: must not wait for anything.
    virtual void take(const RequestRecord& record) = 0;
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
    UsageRecord& usage() { return usage_; }
    AliasStore& aliases() { return *aliases_; }
    /// Hands the list of aliases to the registry in force.
    void publish_aliases();
    const Clock& clock() const { return clock_; }
    /// Traces requests from now on; before the first one. The exporter must outlive them.
    void trace_with(telemetry::SpanExporter& tracer) { tracer_ = &tracer; }
    /// Finished requests are told to `sink` from now on; before the first one. It must outlive
    /// them.
    void observe_with(RecordSink& sink) { sink_ = &sink; }
    /// Models' names with a collection behind them are answered with its help; before the first
    /// request. It must outlive them.
    void retrieve_with(Retriever& retriever) { retriever_ = &retriever; }
    /// Null: there are no documents.
    Retriever* retriever() const { return retriever_; }
    /// Collections that stand in lists of models.
    std::vector<std::string> listed_collections() const;
    /// Null: nobody wants to know.
    RecordSink* record_sink() const { return sink_; }
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
    UsageRecord usage_;
    telemetry::SpanExporter* tracer_ = nullptr;
    RecordSink* sink_ = nullptr;
    Retriever* retriever_ = nullptr;
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
    UsageRecord::Shard& usage;
    Random random{random_seed()};  // chance in the choice of an engine
};

}  // namespace segue::gateway
