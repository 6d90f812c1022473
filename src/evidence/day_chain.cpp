#include "evidence/day_chain.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace segue::evidence {
namespace {

std::string day_after(const std::string& day) {
    const auto time = parse_rfc3339(day + "T00:00:00Z");
    return time ? rfc3339(*time + std::chrono::hours(24)).substr(0, 10) : "";
}

}  // namespace

std::string seal_of(std::string_view before, const CountedDay& day) {
    return sha256_hex(fmt::format("{}\n{} {} {} {}\n", before, day.day, day.answered,
                                  day.ollama_engine, day.ollama_front));
}

DayChain check_days(std::string_view start, const std::vector<CountedDay>& days) {
    DayChain out;
    std::string before(start);
    for (std::size_t i = 0; i < days.size(); ++i) {
        const bool follows = i == 0 || days[i].day == day_after(days[i - 1].day);
        const bool open = days[i].seal.empty();
        // An open day has no closed one behind it, and is one of the last two.
        const bool may_be_open =
            i + 2 >= days.size() && (i + 1 == days.size() || days[i + 1].seal.empty());
        if (!follows || (open && !may_be_open) ||
            (!open && days[i].seal != seal_of(before, days[i]))) {
            out.broken = days[i].day;
            return out;
        }
        if (!open) {
            before = days[i].seal;
            ++out.closed;
        }
    }
    return out;
}

}  // namespace segue::evidence
