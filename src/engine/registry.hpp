/// All engines, the threads that probe them, and the table that turns a client's model name into
/// candidates.
///
/// Thread: probing threads write facts; resolve() and the lists may be called from any thread. A
/// reload makes a new Registry that takes over the Engine objects whose configuration did not
/// change, with what is known of them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "engine/config.hpp"
#include "engine/engine.hpp"
#include "engine/first_seen.hpp"
#include "llm/target.hpp"

namespace segue::engine {

/// AI_BACKEND: which dialect may answer at all.
enum class Backend : std::uint8_t { kAuto, kOllama, kVllm };

/// A name made while running (Ollama's copy and create), resolved to another client name, perhaps
/// with a profile of its own.
struct Alias {
    std::string name;                             // canonical
    std::string target;                           // client name
    std::shared_ptr<const llm::Profile> profile;  // null = the target's
    WallTime made{};
    std::string overrides{};  // JSON of a create request, put over the target's profile; "" = none
};

struct Candidate {
    std::shared_ptr<Engine> engine;
    llm::Target target;
};

struct Resolution {
    enum class Kind : std::uint8_t { kFound, kUnknown, kInvalidName } kind = Kind::kUnknown;
    std::string client_name;            // canonical name of the entry that matched
    std::vector<Candidate> candidates;  // best first; may hold engines that are down, at the end
    std::shared_ptr<const llm::Profile> profile;
    /// Some candidate is up and admits requests.
    bool healthy = false;
    /// The name is one of a list, not whatever a client wrote: metrics may carry it.
    bool listed = true;
};

/// One name that clients may use, for lists.
struct ClientModel {
    std::string name;   // canonical, with tag
    std::string shown;  // as configured or as the engine lists it
    bool alias = false;
    WallTime first_seen{};
};

class Registry {
public:
    struct Options {
        std::vector<EngineConfig> engines;
        std::vector<ModelConfig> models;
        std::string default_model;
        Backend backend = Backend::kAuto;
    };
    /// `clock` must outlive the registry.
    Registry(Options options, const Clock& clock, const Registry* before = nullptr);
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Where the dates of models are kept; before start(). It must outlive the registry. Without it
    /// they are those of this process.
    void keep_dates_in(FirstSeen& dates) { dates_ = &dates; }
    /// Starts one probing thread for each engine.
    void start();
    /// Waits until each engine was probed once, or the time is over.
    void wait_for_first_probe(std::chrono::milliseconds limit);
    void stop();

    /// `asked` "" means the default model. Lenient in case and tags on every front (wire 1.4).
    Resolution resolve(std::string_view asked) const;
    /// Every name that may be asked for, sorted; patterns are not listed.
    std::vector<ClientModel> client_models() const;
    const std::vector<std::shared_ptr<Engine>>& engines() const { return engines_; }
    const Options& options() const { return options_; }

    void set_aliases(std::vector<Alias> aliases);
    std::vector<Alias> aliases() const;

private:
    struct Probing;
    bool allowed(const Engine& engine, const EngineFacts& facts) const;
    std::optional<Candidate> candidate(const std::shared_ptr<Engine>& engine,
                                       std::string_view served,
                                       const std::shared_ptr<const llm::Profile>& profile) const;
    void order(std::vector<std::pair<int, Candidate>>& found, Resolution& resolution) const;
    void probe_forever(std::stop_token stop, const std::shared_ptr<Engine>& engine);

    const Options options_;
    const Clock& clock_;
    FirstSeen* dates_ = nullptr;
    std::vector<std::shared_ptr<Engine>> engines_;
    mutable std::mutex mutex_;  // aliases_, probed_
    std::condition_variable_any wake_;
    std::vector<Alias> aliases_;
    std::size_t probed_ = 0;
    std::vector<std::jthread> threads_;  // last: joined first
};

}  // namespace segue::engine
