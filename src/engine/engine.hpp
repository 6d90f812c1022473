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
#include "engine/balance.hpp"
#include "engine/breaker.hpp"
#include "engine/config.hpp"
#include "engine/engine_log.hpp"
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
    TimePoint read{};                      // when
    std::int64_t own = 0;                  // requests that Segue itself had there at that moment
};
/// What the figures are worth now. They count only while they are fresh.
enum class LoadSignal : std::uint8_t { kMissing, kFresh, kStale };
/// "missing", "fresh", "stale".
std::string_view signal_name(LoadSignal signal);

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

class Engine;

/// One request under way at an engine: counted there as long as this lives.
class Visit {
public:
    Visit(std::shared_ptr<Engine> engine, Breaker::Pass pass);
    ~Visit();
    Visit(Visit&&) noexcept = default;
    Visit& operator=(Visit&& other) noexcept;
    /// How it went, said once; without it nothing is said of the engine.
    void leave(TimePoint now, const Breaker::Verdict& verdict);

private:
    std::shared_ptr<Engine> engine_;  // null: moved away, or left
    Breaker::Pass pass_;
};

/// Always owned by a shared_ptr: visits keep it alive over a reload.
class Engine : public std::enable_shared_from_this<Engine> {
public:
    /// `before`: the engine of that name under an earlier configuration, of which its log and
    /// whether it is drained stay.
    explicit Engine(EngineConfig config, const Engine* before = nullptr);

    const EngineConfig& config() const { return config_; }
    const std::string& name() const { return config_.name; }
    const std::shared_ptr<llm::EngineTraits>& traits() const { return traits_; }
    const std::shared_ptr<const net::TlsOptions>& tls() const { return tls_; }

    std::shared_ptr<const EngineFacts> facts() const;

    /// May a request be sent there now? Down is another matter: see facts().
    bool admits(TimePoint now) const;
    /// Nothing when the breaker keeps the engine out.
    std::optional<Visit> enter(TimePoint now);
    /// For a request that has nowhere else to go.
    Visit enter_anyway();
    Breaker::Report breaker(TimePoint now) const;
    /// A health probe found it up after it was down.
    void restarted(TimePoint now);

    /// Taken out of service by a person: no new requests, whatever is under way goes on.
    bool drained() const { return drained_.load(std::memory_order_relaxed); }
    /// `who` is named in the log. False: it was so already.
    bool set_drained(bool drained, TimePoint now, std::string_view who);
    EngineLog& log() { return log_; }
    const EngineLog& log() const { return log_; }

    /// Requests that Segue has under way there.
    std::int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
    /// Figures older than three probes and one time-out are stale.
    LoadSignal signal(const EngineLoad& load, TimePoint now) const;
    /// Their age; nothing when there are none.
    static std::optional<Duration> age(const EngineLoad& load, TimePoint now);
    /// What balancing may use: nothing unless they are fresh.
    std::optional<LoadFigures> figures(const EngineLoad& load, TimePoint now) const;
    /// Of its name: its place in rendezvous hashing.
    std::uint64_t seed() const { return seed_; }

private:
    friend class Visit;
    friend class Registry;  // whose table of routes must follow the facts
    void set_facts(EngineFacts facts);
    void leave(Breaker::Pass pass, TimePoint now, const Breaker::Verdict& verdict);
    void note_breaker();

    const EngineConfig config_;
    const std::shared_ptr<llm::EngineTraits> traits_;
    const std::shared_ptr<const net::TlsOptions> tls_;
    const std::uint64_t seed_;
    mutable std::mutex mutex_;
    std::shared_ptr<const EngineFacts> facts_;
    std::atomic<std::int64_t> in_flight_{0};
    std::atomic<bool> drained_{false};
    EngineLog log_;
    mutable std::mutex breaker_mutex_;
    Breaker breaker_;
    std::atomic<bool> watched_{false};  // the breaker is not closed: only then admits() must lock
};

}  // namespace segue::engine
