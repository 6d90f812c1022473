/// What became of one engine lately: up, down, put aside, back, taken out of service by a person.
/// The newest changes, in memory; the program's log has all of them.
///
/// Thread: any.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace segue::engine {

struct EngineChange {
    enum class Kind : std::uint8_t { kUp, kDown, kPutAside, kBack, kDrained, kResumed } kind;
    TimePoint at;
    std::string detail;  // why, or by whom; Segue's own words
};
/// "up", "down", "put_aside", "back", "drained", "resumed".
std::string_view change_name(EngineChange::Kind kind);

class EngineLog {
public:
    static constexpr std::size_t kMost = 200;

    void note(EngineChange change);
    /// Newest first.
    std::vector<EngineChange> newest() const;
    /// What another one knows, before anything is noted here.
    void begin_with(const EngineLog& before);

private:
    mutable std::mutex mutex_;
    std::deque<EngineChange> changes_;  // oldest first
};

}  // namespace segue::engine
