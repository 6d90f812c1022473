#include "base/clock.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <limits>

namespace segue {
namespace {

std::tm utc(std::int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    gmtime_r(&time, &parts);
    return parts;
}

}  // namespace

void append_rfc3339(WallTime time, std::string& out) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    std::int64_t seconds = micros / 1'000'000;
    std::int64_t fraction = micros % 1'000'000;
    if (fraction < 0) {
        fraction += 1'000'000;
        --seconds;
    }
    // The part up to the second is the same for all calls within one second.
    struct Second {
        std::int64_t seconds = std::numeric_limits<std::int64_t>::min();
        std::string text;
    };
    thread_local Second last;
    if (last.seconds != seconds) {
        const std::tm parts = utc(seconds);
        last.text =
            fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        last.seconds = seconds;
    }
    std::array<char, 7> tail{'0', '0', '0', '0', '0', '0', 'Z'};
    for (std::size_t i = 6; i-- > 0; fraction /= 10)
        tail[i] = static_cast<char>('0' + fraction % 10);
    out.append(last.text).append(tail.data(), tail.size());
}

std::string rfc3339(WallTime time) {
    std::string out;
    append_rfc3339(time, out);
    return out;
}

std::string http_date(WallTime time) {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::tm parts = utc(unix_seconds(time));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                       kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace segue
