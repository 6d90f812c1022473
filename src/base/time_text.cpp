#include "base/time_text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace segue {

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    constexpr std::size_t kToTheSecond = 19;
    if (text.size() <= kToTheSecond || text.back() != 'Z') return std::nullopt;
    std::string_view fraction = text.substr(kToTheSecond, text.size() - kToTheSecond - 1);
    if (fraction.starts_with('.')) {
        fraction.remove_prefix(1);
        if (!std::all_of(fraction.begin(), fraction.end(),
                         [](char c) { return c >= '0' && c <= '9'; }))
            return std::nullopt;
    } else if (!fraction.empty()) {
        return std::nullopt;
    }
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, length = 0;
    if (std::sscanf(std::string(text.substr(0, kToTheSecond)).c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n",
                    &year, &month, &day, &hour, &minute, &second, &length) != 6 ||
        length != static_cast<int>(kToTheSecond))
        return std::nullopt;
    const auto date = std::chrono::year(year) / month / day;
    if (!date.ok() || year < 1678 || year > 2261) return std::nullopt;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
           std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace segue
