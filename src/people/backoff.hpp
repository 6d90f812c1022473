/// Slows down who guesses passwords: after a few wrong ones each further try has to wait, longer
/// each time. Counted for a login from one address, for an address, and (far later, so that nobody
/// can lock somebody else out) for a login from anywhere. Names that nobody has count as well: what
/// is said tells nothing of who is there.
///
/// Thread: any. Bounded: the oldest entries are forgotten.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace segue::people {

class Backoff {
public:
    explicit Backoff(const Clock& clock) : clock_(clock) {}

    /// How long this one has to wait before it may try; zero: now.
    std::chrono::seconds wait(std::string_view login, std::string_view address) const;
    void wrong(std::string_view login, std::string_view address);
    /// A right password: the login is forgotten, the address is not (it may guess for others).
    void right(std::string_view login, std::string_view address);

private:
    struct Entry {
        int failures = 0;
        TimePoint last{};
    };
    static constexpr std::size_t kMost = 20'000;
    std::chrono::seconds wait_of(const std::string& key, int free, std::chrono::seconds most) const;
    void count(const std::string& key);

    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace segue::people
