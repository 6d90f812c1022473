/// Counts the open client connections of the whole process, in total and by address, and says when
/// there are enough.
///
/// Thread: any; shared by the servers of all loops. Asked once a connection, never on a request's
/// path.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace segue::net {

class ConnectionGate : public std::enable_shared_from_this<ConnectionGate> {
public:
    enum class Verdict : std::uint8_t { kWelcome, kFull, kAddressFull };
    /// One connection's place; given back when it is destroyed.
    class Pass {
    public:
        Pass() = default;
        Pass(Pass&& other) noexcept = default;
        Pass& operator=(Pass&& other) noexcept;
        ~Pass() { leave(); }
        Verdict verdict() const { return verdict_; }
        /// Not welcome: may it be told so? Only some are, because an answer costs a descriptor and
        /// a wait; the others are closed without a word.
        bool may_be_told() const { return gate_ != nullptr; }

    private:
        friend class ConnectionGate;
        void leave();
        std::shared_ptr<ConnectionGate> gate_;  // empty: nothing to give back
        std::string address_;
        Verdict verdict_ = Verdict::kWelcome;
    };

    /// 0 = no limit.
    ConnectionGate(std::size_t most, std::size_t most_per_address)
        : most_(most),
          most_per_address_(most_per_address),
          most_told_(most == 0 ? kMostTold : std::clamp<std::size_t>(most / 16, 4, kMostTold)) {}

    /// `peer` is "127.0.0.1:51844" or "[::1]:51844". A /64 of IPv6 counts as one address: that is
    /// what one client is given.
    Pass enter(const std::string& peer);
    std::size_t open() const { return open_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t kMostTold = 64;
    void refuse(Pass& pass, Verdict verdict);

    const std::size_t most_;
    const std::size_t most_per_address_;
    const std::size_t most_told_;  // that there are too many, at a time
    std::atomic<std::size_t> open_{0};
    std::atomic<std::size_t> told_{0};
    std::mutex mutex_;
    std::unordered_map<std::string, std::size_t> by_address_;
};

}  // namespace segue::net
