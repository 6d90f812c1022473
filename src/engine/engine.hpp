/// One engine as all workers see it: what it is, how it fares, how busy it is.
///
/// Thread: everything here may be called from any thread. Facts are immutable snapshots that the
/// prober replaces.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/config.hpp"
#include "llm/target.hpp"

namespace segue::engine {

/// A model as its engine lists it.
struct ServedModel {
    std::string name;
    std::string root;  // vLLM's root; "" elsewhere
    std::optional<std::int64_t> max_model_len;
    std::vector<std::string> capabilities;  // empty = unknown
    std::string tags_entry;                 // an Ollama engine's own entry of /api/tags, exact JSON
    std::string ps_entry;                   // its entry of /api/ps when loaded
    WallTime first_seen{};
};

/// Read from the engine's own metrics; absent = it does not tell, which is not the same as zero.
struct EngineLoad {
    std::optional<double> running;
    std::optional<double> waiting;
    std::optional<double> kv_cache_usage;  // 0…1
};

struct EngineFacts {
    enum class State : std::uint8_t { kUnknown, kUp, kDown } state = State::kUnknown;
    llm::Dialect dialect = llm::Dialect::kOpenAi;
    std::string kind = "unknown";  // vllm, ollama, openai
    std::string version;
    std::string problem;  // why it is down
    bool rehearsal = false;
    bool sleeping = false;
    std::vector<ServedModel> models;
    EngineLoad load;
    Duration latency{};  // of the health request
    WallTime probed{};

    const ServedModel* find(std::string_view served_name) const;
};

class Engine {
public:
    explicit Engine(EngineConfig config);

    const EngineConfig& config() const { return config_; }
    const std::string& name() const { return config_.name; }
    const std::shared_ptr<llm::EngineTraits>& traits() const { return traits_; }
    const std::shared_ptr<const net::TlsOptions>& tls() const { return tls_; }

    std::shared_ptr<const EngineFacts> facts() const;
    void set_facts(EngineFacts facts);

    /// Passive ejection: three failures in a row put the engine aside, for 1 s at first, doubling
    /// to 30 s; then one request is let through (half-open), and its success brings the engine
    /// back. A good probe shortens the wait.
    void on_success();
    void on_failure(TimePoint now);
    /// May a request be sent there now? Half-open admits one at a time.
    bool admits(TimePoint now) const;
    bool ejected(TimePoint now) const;

    /// Requests that Segue has under way there.
    std::int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
    void begin() { in_flight_.fetch_add(1, std::memory_order_relaxed); }
    void end() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
    /// For choosing the least loaded: what is under way here, and what the engine says of others'
    /// requests (waiting counts double).
    double pressure() const;

private:
    const EngineConfig config_;
    const std::shared_ptr<llm::EngineTraits> traits_;
    const std::shared_ptr<const net::TlsOptions> tls_;
    mutable std::mutex mutex_;
    std::shared_ptr<const EngineFacts> facts_;
    std::atomic<std::int64_t> in_flight_{0};
    std::atomic<int> failures_in_a_row_{0};
    std::atomic<std::int64_t> ejected_until_ns_{0};  // steady clock; 0 = not ejected
    std::atomic<int> ejections_in_a_row_{0};
};

}  // namespace segue::engine
