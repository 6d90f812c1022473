/// Reading a time back that rfc3339() wrote. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace segue {

/// "2026-11-24T18:30:00.000000Z" (RFC 3339, UTC), to the second; fractions are dropped. Nothing for
/// other text, for dates that no calendar has, and for years that a clock of nanoseconds cannot
/// hold (before 1678, after 2261).
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace segue
