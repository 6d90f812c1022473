#include "net/connection_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/resolver.hpp"

namespace segue::net {
namespace {

// The part of the address that stands for one client.
std::string client_of(const std::string& peer) {
    const auto colon = peer.rfind(':');
    std::string host = peer.substr(0, colon);
    if (!host.starts_with('[')) return host;
    host = host.substr(1, host.size() - 2);
    const auto address = parse_address(host);
    if (!address || address->family() != AF_INET6) return host;
    const void* raw = &address->storage;
    const auto* prefix = static_cast<const char*>(raw) + offsetof(sockaddr_in6, sin6_addr);
    return {prefix, 8};
}

}  // namespace

ConnectionGate::Pass& ConnectionGate::Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        leave();
        gate_ = std::move(other.gate_);
        address_ = std::move(other.address_);
        verdict_ = other.verdict_;
    }
    return *this;
}

void ConnectionGate::Pass::leave() {
    const auto gate = std::exchange(gate_, nullptr);
    if (gate == nullptr) return;
    if (verdict_ != Verdict::kWelcome) {
        gate->told_.fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    gate->open_.fetch_sub(1, std::memory_order_relaxed);
    if (gate->most_per_address_ == 0) return;
    const std::lock_guard lock(gate->mutex_);
    const auto found = gate->by_address_.find(address_);
    if (found != gate->by_address_.end() && --found->second == 0) gate->by_address_.erase(found);
}

void ConnectionGate::refuse(Pass& pass, Verdict verdict) {
    pass.verdict_ = verdict;
    if (told_.fetch_add(1, std::memory_order_relaxed) < most_told_) {
        pass.gate_ = shared_from_this();
    } else {
        told_.fetch_sub(1, std::memory_order_relaxed);
    }
}

ConnectionGate::Pass ConnectionGate::enter(const std::string& peer) {
    Pass pass;
    if (open_.fetch_add(1, std::memory_order_relaxed) >= most_ && most_ > 0) {
        open_.fetch_sub(1, std::memory_order_relaxed);
        refuse(pass, Verdict::kFull);
        return pass;
    }
    if (most_per_address_ > 0) {
        pass.address_ = client_of(peer);
        const std::lock_guard lock(mutex_);
        std::size_t& open = by_address_[pass.address_];
        if (open >= most_per_address_) {
            open_.fetch_sub(1, std::memory_order_relaxed);
            refuse(pass, Verdict::kAddressFull);
            return pass;
        }
        ++open;
    }
    pass.gate_ = shared_from_this();
    return pass;
}

}  // namespace segue::net
