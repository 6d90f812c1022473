/// The table that turns a client's model name into candidates: made anew from configuration,
/// aliases and facts whenever one of them changes, and never changed afterwards, so that a lookup
/// on the request path copies nothing.
///
/// Thread: immutable; any thread. Lifetime: a request keeps the Route that it was given.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/balance.hpp"
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
    std::shared_ptr<const EngineFacts> facts;  // as they were when the table was made
    int priority = 0;
    llm::Target target;
};

/// Where requests for one name may go.
struct Route {
    std::string client_name;            // canonical name of the entry that matched
    std::vector<Candidate> candidates;  // in the order of the configuration
    std::shared_ptr<const llm::Profile> profile;
    BalanceOptions balance;
    std::size_t turns = 0;  // which of the registry's round-robin counters it uses
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

class RouteTable {
public:
    struct Sources {
        const std::vector<ModelConfig>& models;
        const std::vector<std::shared_ptr<Engine>>& engines;
        const std::vector<Alias>& aliases;
        Backend backend = Backend::kAuto;
        BalanceOptions balance;  // of models that are in no list
        const FirstSeen* dates = nullptr;
    };
    /// Keeps nothing of `sources` but the engines.
    explicit RouteTable(const Sources& sources);

    /// Lenient in case and tags (wire 1.4); `asked` is not empty. Null: nobody knows the name.
    std::shared_ptr<const Route> find(std::string_view asked) const;
    /// Every name that may be asked for, sorted; patterns are not listed.
    const std::vector<ClientModel>& client_models() const { return client_models_; }

private:
    struct Known {  // an engine and what was known of it
        std::shared_ptr<Engine> engine;
        std::shared_ptr<const EngineFacts> facts;
        bool allowed = false;
    };
    struct Pattern {
        std::string glob;  // lower case
        ModelConfig model;
        std::size_t turns = 0;
        std::shared_ptr<const Route> route;  // null: it depends on the name that is asked for
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Names =
        std::unordered_map<std::string, std::shared_ptr<const Route>, Hash, std::equal_to<>>;

    std::optional<Candidate> candidate(const Known& known, std::string_view served,
                                       const std::shared_ptr<const llm::Profile>& profile) const;
    Route route_of(const ModelConfig& model, std::string_view name,
                   const std::shared_ptr<const llm::Profile>& profile) const;
    std::shared_ptr<const Route> without_table(std::string_view name, std::string_view canonical,
                                               const std::shared_ptr<const llm::Profile>&) const;
    void add_models(const Sources& sources);
    void add_served(const Sources& sources);
    void add_patterns(const Sources& sources);
    void add_aliases(const Sources& sources);
    void add_spellings(const Sources& sources);
    void list_models(const Sources& sources);

    std::vector<Known> engines_;
    BalanceOptions balance_;
    std::size_t unlisted_turns_ = 0;
    bool has_table_ = false;  // some model without a pattern is configured
    Names by_canonical_;
    Names by_spelling_;  // what clients most likely write, so that nothing need be made canonical
    std::vector<Pattern> patterns_;
    std::vector<ClientModel> client_models_;
};

}  // namespace segue::engine
