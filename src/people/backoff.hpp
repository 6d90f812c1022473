/// Slows down who guesses passwords: after a few wrong ones each further try has to wait, longer
/// each time. Counted for a login from one address, for an address, and (far later, so that nobody
/// can lock somebody else out) for a login from anywhere. Names that nobody has count as well: what
/// is said tells nothing of who is there. Kept in the store, so that all replicas count together;
/// what is an hour old is forgotten.
///
/// Thread: any; blocks on the store. Lifetime: the pool's.
#pragma once

#include <chrono>
#include <string_view>

#include "base/clock.hpp"
#include "store/pool.hpp"

namespace segue::people {

class Backoff {
public:
    Backoff(store::Pool& pool, const Clock& clock) : pool_(pool), clock_(clock) {}

    /// How long this one has to wait before it may try; zero: now.
    Result<std::chrono::seconds> wait(std::string_view login, std::string_view address) const;
    Result<void> wrong(std::string_view login, std::string_view address);
    /// A right password: the login is forgotten, the address is not (it may guess for others).
    Result<void> right(std::string_view login, std::string_view address);

private:
    store::Pool& pool_;
    const Clock& clock_;
};

}  // namespace segue::people
