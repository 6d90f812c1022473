/// A record of days that shows when one was changed or taken out: each closed day carries a seal
/// over its counts and over the seal of the day before. The gateway makes the seals (who still uses
/// Ollama), the audit's proof checks them. It guards against a slip and a quiet edit; who can write
/// the file can also make a new chain: the proof's signature dates the one that it saw. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::evidence {

struct CountedDay {
    std::string day;  // YYYY-MM-DD
    std::int64_t answered = 0;
    std::int64_t ollama_engine = 0;
    std::int64_t ollama_front = 0;
    std::string seal;  // empty: not closed yet
};

/// SHA-256, in hex, over the seal before and this day's line.
std::string seal_of(std::string_view before, const CountedDay& day);

struct DayChain {
    std::optional<std::string> broken;  // the first day that does not fit
    std::size_t closed = 0;
};
/// `start` is the seal before the first day that is kept. Days must follow each other; only the
/// last two may be open.
DayChain check_days(std::string_view start, const std::vector<CountedDay>& days);

}  // namespace segue::evidence
