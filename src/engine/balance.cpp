#include "engine/balance.hpp"

#include <algorithm>
#include <tuple>

namespace segue::engine {
namespace {

using Positions = std::span<std::uint16_t>;

/// From this use of the KV cache upward vLLM begins to preempt: the load counts up to double.
constexpr double kCrowdedCache = 0.8;

/// One group of equals: candidates that are well and have the same priority.
class Group {
public:
    Group(std::span<const Standing> standings, Positions members, Random* random)
        : standings_(standings), members_(members), random_(random) {
        if (!all([](const Standing& one) { return one.figures.has_value(); })) return;
        by_ = all([](const Standing& one) { return one.figures->kv_cache_usage.has_value(); })
                  ? CompareBy::kFiguresAndCache
                  : CompareBy::kFigures;
    }

    void rotate(std::uint64_t turn) {
        std::rotate(members_.begin(),
                    members_.begin() + static_cast<std::ptrdiff_t>(turn % members_.size()),
                    members_.end());
    }

    void least_loaded() {
        // Among equals chance decides, or the first would get everything.
        if (random_) rotate(random_->below(members_.size()));
        std::stable_sort(members_.begin(), members_.end(),
                         [&](std::uint16_t a, std::uint16_t b) { return load(a) < load(b); });
        if (by_ == CompareBy::kInFlight && random_ && members_.size() > 2) two_choices();
    }

    void affinity(std::uint64_t key, const BalanceOptions& options) {
        std::sort(members_.begin(), members_.end(), [&](std::uint16_t a, std::uint16_t b) {
            return rendezvous(key, standings_[a].seed) > rendezvous(key, standings_[b].seed);
        });
        double total = 0;
        for (const std::uint16_t member : members_)
            total += load(member);
        const double mean = total / static_cast<double>(members_.size());
        std::stable_partition(members_.begin(), members_.end(), [&](std::uint16_t member) {
            const double its = load(member);
            return its < options.hot_requests || its <= options.hot_factor * mean;
        });
    }

private:
    template <class Test>
    bool all(Test test) const {
        return std::all_of(members_.begin(), members_.end(),
                           [&](std::uint16_t member) { return test(standings_[member]); });
    }
    double load(std::uint16_t member) const { return load_of(standings_[member], by_); }

    /// Segue's own counts say nothing of other gateways: all of them would run to the same engine.
    /// The better of two drawn by chance spreads nearly as well as the best of all.
    void two_choices() {
        const auto size = members_.size();
        const std::size_t first = random_->below(size);
        std::size_t second = random_->below(size - 1);
        if (second >= first) ++second;
        const auto chosen = static_cast<std::ptrdiff_t>(std::min(first, second));  // sorted by load
        std::rotate(members_.begin(), members_.begin() + chosen, members_.begin() + chosen + 1);
    }

    std::span<const Standing> standings_;
    Positions members_;
    Random* random_;
    CompareBy by_ = CompareBy::kInFlight;
};

}  // namespace

std::string_view balance_name(Balance balance) {
    switch (balance) {
        case Balance::kAffinity: return "affinity";
        case Balance::kLeastLoaded: return "least_loaded";
        case Balance::kRoundRobin: return "round_robin";
    }
    return "affinity";
}

bool told_by_all(std::span<const Standing> standings) {
    std::optional<int> priority;
    bool told = false;
    for (const Standing& one : standings) {
        if (one.health != Standing::Health::kWell) continue;
        if (priority && one.priority > *priority) continue;
        told = one.figures && (told || !priority || one.priority < *priority);
        priority = one.priority;
    }
    return told;
}

double load_of(const Standing& standing, CompareBy by) {
    const auto own = static_cast<double>(standing.in_flight);
    if (by == CompareBy::kInFlight) return own;
    const LoadFigures& figures = *standing.figures;
    const double requests = own + figures.others + figures.waiting;  // one that waits counts twice
    if (by == CompareBy::kFigures) return requests;
    const double crowded = std::max(0.0, *figures.kv_cache_usage - kCrowdedCache);
    return requests * (1 + crowded / (1 - kCrowdedCache));
}

std::uint64_t rendezvous(std::uint64_t key, std::uint64_t seed) {
    // The finalizer of MurmurHash3: every bit of both reaches every bit of the score.
    std::uint64_t mixed = key ^ (seed * 0x9E3779B97F4A7C15ULL);
    mixed = (mixed ^ (mixed >> 33)) * 0xFF51AFD7ED558CCDULL;
    mixed = (mixed ^ (mixed >> 33)) * 0xC4CEB9FE1A85EC53ULL;
    return mixed ^ (mixed >> 33);
}

std::vector<std::uint16_t> order(std::span<const Standing> standings, const BalanceOptions& options,
                                 std::uint64_t key, std::uint64_t turn, Random* random) {
    std::vector<std::uint16_t> positions(standings.size());
    for (std::size_t i = 0; i < positions.size(); ++i)
        positions[i] = static_cast<std::uint16_t>(i);
    if (positions.size() < 2) return positions;
    const auto rank = [&](std::uint16_t position) {
        const Standing& one = standings[position];
        return std::tie(one.health, one.until_trial, one.priority);
    };
    std::stable_sort(positions.begin(), positions.end(),
                     [&](std::uint16_t a, std::uint16_t b) { return rank(a) < rank(b); });
    for (std::size_t begin = 0; begin < positions.size();) {
        const Standing& first = standings[positions[begin]];
        if (first.health != Standing::Health::kWell) break;
        std::size_t end = begin + 1;
        while (end < positions.size() && rank(positions[end]) == rank(positions[begin]))
            ++end;
        if (end - begin > 1) {
            Group group(standings, Positions(positions).subspan(begin, end - begin), random);
            if (options.balance == Balance::kRoundRobin) {
                group.rotate(turn);
            } else if (options.balance == Balance::kAffinity && key != 0) {
                group.affinity(key, options);
            } else {
                group.least_loaded();
            }
        }
        begin = end;
    }
    return positions;
}

}  // namespace segue::engine
