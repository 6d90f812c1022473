/// All engines, the threads that probe them, and the table that turns a client's model name into
/// candidates.
///
/// Thread: probing threads write facts; resolve() and the lists may be called from any thread. A
/// reload makes a new Registry that takes over the Engine objects whose configuration did not
/// change, with what is known of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
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
#include "engine/routes.hpp"
#include "llm/target.hpp"

namespace segue::engine {

/// The candidates of a resolution in the order in which they are to be asked: a view of a Route, so
/// that no candidate is copied on the request path.
class Candidates {
public:
    Candidates() = default;
    Candidates(std::shared_ptr<const Route> route, std::vector<std::uint16_t> order)
        : route_(std::move(route)), order_(std::move(order)) {}
    /// Of one that no table holds.
    static Candidates single(Candidate candidate);

    std::size_t size() const { return order_.size(); }
    bool empty() const { return order_.empty(); }
    const Candidate& operator[](std::size_t i) const { return route_->candidates[order_[i]]; }
    const Candidate& front() const { return (*this)[0]; }
    /// Makes the one at `from` the next one after those before `to`.
    void bring_forward(std::size_t from, std::size_t to);

    class Iterator {
    public:
        Iterator(const Candidates& all, std::size_t at) : all_(&all), at_(at) {}
        const Candidate& operator*() const { return (*all_)[at_]; }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return at_ != other.at_; }

    private:
        const Candidates* all_;
        std::size_t at_;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size()}; }

private:
    std::shared_ptr<const Route> route_;
    std::vector<std::uint16_t> order_;
};

struct Resolution {
    enum class Kind : std::uint8_t { kFound, kUnknown, kInvalidName } kind = Kind::kUnknown;
    std::shared_ptr<const Route> route;  // null unless found
    Candidates candidates;               // best first; may hold engines that are down, at the end
    /// Some candidate is up and admits requests.
    bool healthy = false;
    /// Every candidate is out of service by a person's word.
    bool drained = false;
    /// The name is one of a list, not whatever a client wrote: metrics may carry it.
    bool listed = true;
    /// All that may be chosen now tell fresh load figures: those are compared.
    bool by_figures = false;

    /// Canonical name of the entry that matched; "" when none did.
    std::string_view client_name() const {
        return route ? std::string_view(route->client_name) : std::string_view();
    }
    std::shared_ptr<const llm::Profile> profile() const { return route ? route->profile : nullptr; }
};

/// Who asks, as far as the choice of an engine depends on it.
struct Asker {
    Random& random;
    /// Of the conversation, 0 = none. Called only when the choice needs it.
    std::function<std::uint64_t()> key;
};

class Registry {
public:
    struct Options {
        std::vector<EngineConfig> engines;
        std::vector<ModelConfig> models;
        std::string default_model;
        Backend backend = Backend::kAuto;
        BalanceOptions balance = {};  // of models that are in no list
    };
    /// `clock` must outlive the registry.
    Registry(Options options, const Clock& clock, const Registry* before = nullptr);
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Where the dates of models are kept; before start(). It must outlive the registry. Without it
    /// they are those of this process.
    void keep_dates_in(FirstSeen& dates);
    /// Starts one probing thread for each engine.
    void start();
    /// Waits until each engine was probed once, or the time is over.
    void wait_for_first_probe(std::chrono::milliseconds limit);
    void stop();

    /// `asked` "" means the default model. Lenient in case and tags on every front (wire 1.4).
    /// Without `asker` the order is the one that a list shows: no chance, no turn, no conversation,
    /// and engines that are drained stand at its end; for a request they are no candidates.
    Resolution resolve(std::string_view asked, const Asker* asker = nullptr) const;
    /// Every name that may be asked for, sorted; patterns are not listed.
    std::vector<ClientModel> client_models() const;
    const std::vector<std::shared_ptr<Engine>>& engines() const { return engines_; }
    /// Null: there is none of that name.
    std::shared_ptr<Engine> find_engine(std::string_view name) const;
    /// Asks the engine now instead of at its turn, and waits for what it says; several at once are
    /// one question. False: not within `patience`, or the registry stops. Blocks.
    bool probe_now(const Engine& engine, std::chrono::milliseconds patience);
    const Options& options() const { return options_; }

    void set_aliases(std::vector<Alias> aliases);
    std::vector<Alias> aliases() const;
    /// What a probe found; the table of routes follows at once.
    void set_facts(Engine& engine, EngineFacts facts);

private:
    std::shared_ptr<const RouteTable> table() const;
    void rebuild();
    void probe_forever(const std::stop_token& stop, std::size_t position);

    const Options options_;
    const Clock& clock_;
    FirstSeen* dates_ = nullptr;
    std::vector<std::shared_ptr<Engine>> engines_;
    mutable std::mutex mutex_;  // aliases_, probes_, stopping_
    std::mutex rebuilding_;     // one at a time, so that the last table knows the last change
    mutable std::mutex table_mutex_;
    std::shared_ptr<const RouteTable> table_;
    mutable std::vector<std::atomic<std::uint64_t>> turns_;  // of round-robin, by Route::turns
    std::condition_variable_any wake_;
    std::vector<Alias> aliases_;
    struct Probes {
        std::uint64_t asked = 0;
        std::uint64_t begun = 0;  // of `asked`, when the newest probe began
        std::uint64_t done = 0;   // the same when it was over
        bool once = false;        // one was over
    };
    std::vector<Probes> probes_;  // by the engine's position
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: joined first
};

}  // namespace segue::engine
