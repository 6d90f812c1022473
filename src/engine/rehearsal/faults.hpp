/// What goes wrong on purpose, switchable while the engine runs. A set describes it; each request
/// draws its own plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace segue::engine::rehearsal {

/// Counts are pieces (tokens) of the answer: after 0 pieces means before the status line.
struct FaultSet {
    std::optional<int> error_status;  // answered instead of the request
    std::string error_message = "rehearsed failure";
    std::optional<int> retry_after;              // seconds, with error_status or busy
    std::optional<std::uint32_t> stall_after;    // silence, connection open
    std::optional<std::uint32_t> drop_after;     // connection cut
    std::optional<std::uint32_t> garbage_after;  // a line that is no JSON, then on as before
    std::optional<std::uint32_t> error_after;    // the dialect's error inside a stream
    std::optional<std::uint32_t> end_after;      // a proper end of the body, but no last chunk
    double slow_first_ms = 0;                    // added to the first token
    double slow_gap_ms = 0;                      // added between tokens
    bool health_failing = false;
    bool busy = false;          // 503, as a full queue says it
    bool wrong_length = false;  // Content-Length says more than comes
    bool lying_counts = false;  // token counts that cannot be
    bool bad_template = false;  // 400, as a chat template that cannot be rendered says it
    double share = 1.0;         // of the requests that are hit
    std::optional<std::uint64_t> only_first;  // only that many requests are hit

    bool any() const;
};

/// Strict: an unknown member is an error that names the known ones.
Result<FaultSet> read_fault_set(json::Value value);
std::string write_fault_set(const FaultSet& faults);

/// Decides, request by request. One thread.
class Faults {
public:
    Faults(FaultSet set, std::uint64_t seed) : set_(std::move(set)), random_(seed) {}
    void replace(FaultSet set);
    const FaultSet& set() const { return set_; }
    std::uint64_t hits() const { return hits_; }
    /// The faults of this request: the set, or an empty one.
    FaultSet draw();

private:
    FaultSet set_;
    Random random_;
    std::uint64_t hits_ = 0;
};

}  // namespace segue::engine::rehearsal
