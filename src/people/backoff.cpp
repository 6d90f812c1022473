#include "people/backoff.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace segue::people {
namespace {

using std::chrono::seconds;

struct Rule {
    int free;  // wrong ones without a wait
    seconds most;
};
constexpr Rule kPair{5, seconds(15 * 60)};
constexpr Rule kAddress{30, seconds(15 * 60)};
constexpr Rule kLogin{100, seconds(30)};
constexpr std::chrono::hours kForgotten{1};

struct Keys {
    Keys(std::string_view login, std::string_view address) {
        const std::string name = to_lower(login.substr(0, 200));
        pair = sha256_hex("p" + name + '\n' + std::string(address));
        from = sha256_hex("a" + std::string(address));
        to = sha256_hex("l" + name);
    }
    std::string pair;
    std::string from;
    std::string to;
};

seconds wait_of(const Rule& rule, int failures, WallTime last, WallTime now) {
    if (failures < rule.free || now - last > kForgotten) return seconds(0);
    const int beyond = std::min(failures - rule.free, 20);
    const auto until = last + std::min(seconds(1LL << beyond), rule.most);
    return until > now ? std::chrono::ceil<seconds>(until - now) : seconds(0);
}

}  // namespace

Result<seconds> Backoff::wait(std::string_view login, std::string_view address) const {
    const Keys keys(login, address);
    SEGUE_TRY(rows, (pool_.query<std::string, std::int32_t, WallTime>(
                        "SELECT key, failures, last FROM sign_in_failure WHERE key = ANY ($1)",
                        std::vector<std::string>{keys.pair, keys.from, keys.to})));
    const WallTime now = clock_.wall();
    seconds longest{0};
    for (const auto& [key, failures, last] : rows) {
        const Rule& rule = key == keys.pair ? kPair : key == keys.from ? kAddress : kLogin;
        longest = std::max(longest, wait_of(rule, failures, last, now));
    }
    return longest;
}

Result<void> Backoff::wrong(std::string_view login, std::string_view address) {
    const Keys keys(login, address);
    const WallTime now = clock_.wall();
    // In the order of keys: two who count the same ones must not wait for each other.
    SEGUE_TRY(
        counted,
        pool_.execute(
            "INSERT INTO sign_in_failure AS f SELECT k, 1, $2::timestamptz FROM unnest($1::text[]) "
            "k "
            "ORDER BY k ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN f.last < $3 THEN "
            "1 ELSE f.failures + 1 END, last = excluded.last",
            std::vector<std::string>{keys.pair, keys.from, keys.to}, now, now - kForgotten));
    SEGUE_TRY(forgotten,
              pool_.execute("DELETE FROM sign_in_failure WHERE last < $1", now - kForgotten));
    (void)counted, (void)forgotten;
    return {};
}

Result<void> Backoff::right(std::string_view login, std::string_view address) {
    const Keys keys(login, address);
    SEGUE_TRY(forgotten, pool_.execute("DELETE FROM sign_in_failure WHERE key = ANY ($1)",
                                       std::vector<std::string>{keys.pair, keys.to}));
    (void)forgotten;
    return {};
}

}  // namespace segue::people
