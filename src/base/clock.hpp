/// Time is passed in (STYLE 14). SystemClock is the real one, FakeClock the tests'.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace segue {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;
    virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall() const override { return std::chrono::system_clock::now(); }
};

/// Starts at one fixed moment and moves only when told.
class FakeClock final : public Clock {
public:
    TimePoint now() const override { return TimePoint(Duration(std::chrono::hours(1)) + passed_); }
    WallTime wall() const override {
        return WallTime(std::chrono::seconds(1'795'426'528)) +
               std::chrono::duration_cast<WallTime::duration>(passed_);
    }
    void advance(Duration by) { passed_ += by; }

private:
    Duration passed_{0};
};

/// RFC 3339 in UTC with `Z` and exactly six fraction digits: "2026-11-23T09:15:28.100000Z".
std::string rfc3339(WallTime time);
void append_rfc3339(WallTime time, std::string& out);

/// The HTTP date of RFC 9110: "Mon, 23 Nov 2026 09:35:59 GMT".
std::string http_date(WallTime time);

inline std::int64_t unix_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace segue
