#include "people/backoff.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::people {
namespace {

using std::chrono::seconds;

constexpr int kFreeForPair = 5;
constexpr int kFreeForAddress = 30;
constexpr int kFreeForLogin = 100;
constexpr seconds kMostForPair{15 * 60};
constexpr seconds kMostForLogin{30};
constexpr std::chrono::hours kForgotten{1};

std::string pair_key(std::string_view login, std::string_view address) {
    return "p" + to_lower(login.substr(0, 200)) + '\n' + std::string(address);
}
std::string address_key(std::string_view address) {
    return "a" + std::string(address);
}
std::string login_key(std::string_view login) {
    return "l" + to_lower(login.substr(0, 200));
}

}  // namespace

seconds Backoff::wait_of(const std::string& key, int free, seconds most) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.failures < free) return seconds(0);
    const TimePoint now = clock_.now();
    if (now - found->second.last > kForgotten) return seconds(0);
    const int beyond = std::min(found->second.failures - free, 20);
    const auto until = found->second.last + std::min(seconds(1LL << beyond), most);
    return until > now ? std::chrono::ceil<seconds>(until - now) : seconds(0);
}

seconds Backoff::wait(std::string_view login, std::string_view address) const {
    const std::lock_guard lock(mutex_);
    return std::max({wait_of(pair_key(login, address), kFreeForPair, kMostForPair),
                     wait_of(address_key(address), kFreeForAddress, kMostForPair),
                     wait_of(login_key(login), kFreeForLogin, kMostForLogin)});
}

void Backoff::count(const std::string& key) {
    const TimePoint now = clock_.now();
    Entry& entry = entries_[key];
    if (now - entry.last > kForgotten) entry.failures = 0;
    ++entry.failures;
    entry.last = now;
    if (entries_.size() <= kMost) return;
    const auto oldest = std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
    entries_.erase(oldest);
}

void Backoff::wrong(std::string_view login, std::string_view address) {
    const std::lock_guard lock(mutex_);
    count(pair_key(login, address));
    count(address_key(address));
    count(login_key(login));
}

void Backoff::right(std::string_view login, std::string_view address) {
    const std::lock_guard lock(mutex_);
    entries_.erase(pair_key(login, address));
    entries_.erase(login_key(login));
}

}  // namespace segue::people
