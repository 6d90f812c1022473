/// The engine part of segue.yaml: engines, the models that clients see, and the profile of each.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/settings.hpp"
#include "engine/balance.hpp"
#include "engine/breaker.hpp"
#include "llm/chat.hpp"
#include "llm/profile.hpp"
#include "net/client.hpp"
#include "net/http.hpp"

namespace segue::engine {

/// How long one attempt may take in each phase; zero = no limit.
struct AttemptDeadlines {
    std::chrono::milliseconds connect{5'000};
    std::chrono::milliseconds first_event{
        300'000};  // request written -> first event; a CPU loads models for minutes
    std::chrono::milliseconds between_events{120'000};
    std::chrono::milliseconds total{3'600'000};
    bool operator==(const AttemptDeadlines&) const = default;
};

/// How many requests an engine gets at a time, and what becomes of the others.
struct AdmissionOptions {
    enum class Limit : std::uint8_t { kOff, kFixed, kAdaptive } limit = Limit::kOff;
    int fixed = 0;
    int least = 1;  // of an adaptive limit
    int most = 256;
    std::size_t queue = 100;                         // how many may wait; 0 = nobody
    std::chrono::milliseconds longest_wait{30'000};  // in the queue
    bool spill = true;  // full: another target that has room is asked before anything waits
    bool operator==(const AdmissionOptions&) const = default;
};

struct EngineConfig {
    std::string name;
    std::optional<llm::Dialect> dialect;  // absent: found out by probing
    net::Origin origin;
    std::string api_key;
    net::TlsOptions tls;
    std::chrono::milliseconds probe_interval{5'000};
    std::chrono::milliseconds probe_timeout{2'000};
    bool stand_in = false;  // answers only while no other engine is up (the rehearsal engines of an
                            // empty configuration)
    bool probe_capabilities = true;  // may send one-token requests to learn tools, thinking, vision
    AttemptDeadlines deadlines;
    BreakerOptions breaker;
    AdmissionOptions admission;
    /// The same engine: what is known of it stays over a reload. Admission is none of its business.
    bool operator==(const EngineConfig& other) const;
};

struct TargetConfig {
    std::string engine;
    std::string model;  // served name; "" = the client's own
    int priority = 0;   // lower first; `balance` chooses among those of one priority
};

struct ModelConfig {
    std::string name;  // client name, or a pattern with '*'
    std::vector<TargetConfig> targets;
    std::shared_ptr<const llm::Profile> profile = std::make_shared<llm::Profile>();
    BalanceOptions balance = {};
    bool is_pattern() const { return name.find('*') != std::string::npos; }
};

/// One entry of `engines:`. Problems become issues of the settings.
EngineConfig read_engine(Settings& entry, const Environment& environment);
/// One entry of `models:`; engines are the names that targets may use. What it does not say of
/// balancing is as in `balance`.
ModelConfig read_model(Settings& entry, const std::vector<EngineConfig>& engines,
                       const BalanceOptions& balance = {});
/// The keys `balance` and `affinity`, at the top of the file and in each model.
BalanceOptions read_balance(Settings& settings, BalanceOptions defaults);
/// The profile's mapping alone (also kept with aliases).
llm::Profile read_profile(Settings& settings);

}  // namespace segue::engine
