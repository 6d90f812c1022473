#include "base/time_text.hpp"

#include <chrono>
#include <ctime>
#include <string>

namespace segue {

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    std::tm parts{};
    const std::string copy(text.substr(0, 19));
    const char* const end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr || *end != '\0' || copy.size() != 19 || !text.ends_with('Z'))
        return std::nullopt;
    if (parts.tm_year < 70 || parts.tm_year > 360) return std::nullopt;
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace segue
