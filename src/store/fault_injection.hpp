/// A seam for failures that real databases have: tests hand one to a pool, and the n-th statement
/// fails the way that was asked for. A loop over n, until a run is clean, shows that no failure at
/// any point leaves anything half done (as SQLite's tests do).
///
/// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace segue::store {

enum class Trouble : std::uint8_t {
    kNone,
    kRefused,     // the server says no; the connection lives
    kLostBefore,  // the connection dies; the server never saw the statement
    kLostAfter,   // the server did it; the connection dies before its answer
};

class FaultInjection {
public:
    virtual ~FaultInjection() = default;
    /// Asked before each statement that goes over a connection (BEGIN and COMMIT are some).
    virtual Trouble before(std::string_view sql) = 0;
};

/// The n-th statement from now fails (n counts from 1), once.
class FailNth final : public FaultInjection {
public:
    void arm(std::int64_t n, Trouble trouble) {
        trouble_.store(trouble);
        left_.store(n);
    }
    void disarm() { left_.store(0); }
    /// The failure has happened.
    bool fired() const { return left_.load() == kFired; }
    Trouble before(std::string_view) override {
        const std::int64_t left = left_.load();
        if (left <= 0) return Trouble::kNone;
        if (left > 1) {
            left_.store(left - 1);
            return Trouble::kNone;
        }
        left_.store(kFired);
        return trouble_.load();
    }

private:
    static constexpr std::int64_t kFired = -1;
    std::atomic<std::int64_t> left_{0};
    std::atomic<Trouble> trouble_{Trouble::kNone};
};

}  // namespace segue::store
