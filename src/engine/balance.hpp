/// Which of a model's engines a request goes to: an order of candidates from what is known of each
/// at this moment.
///
/// Pure: no clock, no engine, no lock; chance is passed in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace segue::engine {

enum class Balance : std::uint8_t {
    kAffinity,     // a conversation stays at one engine, so that its prefix cache hits
    kLeastLoaded,  //
    kRoundRobin,
};
/// "affinity", "least_loaded", "round_robin".
std::string_view balance_name(Balance balance);

struct BalanceOptions {
    Balance balance = Balance::kAffinity;
    /// Affinity is given up while the preferred engine has at least `hot_requests` and more than
    /// `hot_factor` times the mean of its peers and itself.
    double hot_factor = 1.5;
    int hot_requests = 4;
    bool operator==(const BalanceOptions&) const = default;
};

/// What a fresh reading of the engine's own figures says.
struct LoadFigures {
    double others = 0;                     // requests there that are not Segue's
    double waiting = 0;                    // in its queue
    std::optional<double> kv_cache_usage;  // 0…1
};

/// One candidate at this moment.
struct Standing {
    enum class Health : std::uint8_t { kWell, kPutAside, kDown, kDrained } health = Health::kWell;
    Duration until_trial{};              // of one that is put aside
    int priority = 0;                    // lower first
    std::int64_t in_flight = 0;          // Segue's own requests there
    std::optional<LoadFigures> figures;  // nothing: missing or stale, which is not zero
    std::uint64_t seed = 0;              // of the engine's name
};

/// Do all that may be chosen now (well, and of the first priority) tell fresh figures?
bool told_by_all(std::span<const Standing> standings);

/// What a group of engines is compared by: figures only where all of them have them, because a
/// missing one must look neither idle nor busy.
enum class CompareBy : std::uint8_t { kInFlight, kFigures, kFiguresAndCache };
/// How loaded it is, in requests.
double load_of(const Standing& standing, CompareBy by);

/// The score of one engine for one conversation (rendezvous hashing): the highest wins, and
/// taking one engine away moves only its own conversations.
std::uint64_t rendezvous(std::uint64_t key, std::uint64_t seed);

/// Positions of `standings`, best first. All of them are in it: those that are well by priority and
/// `options`, then those that are put aside (the nearest trial first), those that are down, and
/// those that are drained. `key` 0: no conversation is known, affinity falls back to least loaded.
/// `turn` drives round-robin. Without `random` ties and choices fall to the first: for lists that
/// people read.
std::vector<std::uint16_t> order(std::span<const Standing> standings, const BalanceOptions& options,
                                 std::uint64_t key, std::uint64_t turn, Random* random);

}  // namespace segue::engine
