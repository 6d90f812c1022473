#include "net/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace segue::net {
namespace {

const SystemClock& system_clock() {
    static const SystemClock clock;
    return clock;
}

template <class Sockaddr>
Address address_from(const Sockaddr& address) {
    static_assert(sizeof address <= sizeof(sockaddr_storage));
    Address out;
    std::memcpy(&out.storage, &address, sizeof address);
    out.length = sizeof address;
    return out;
}

}  // namespace

void Address::set_port(std::uint16_t port) {
    const in_port_t wire = htons(port);
    // Copied, not cast: a sockaddr_storage read through another type is not allowed to the
    // compiler.
    const std::size_t offset =
        family() == AF_INET6 ? offsetof(sockaddr_in6, sin6_port) : offsetof(sockaddr_in, sin_port);
    std::memcpy(static_cast<char*>(static_cast<void*>(&storage)) + offset, &wire, sizeof wire);
}

std::string Address::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const std::size_t offset =
        family() == AF_INET6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr);
    const auto* bytes = static_cast<const char*>(static_cast<const void*>(&storage)) + offset;
    return ::inet_ntop(family(), bytes, text.data(), text.size()) != nullptr ? text.data() : "";
}

std::optional<Address> parse_address(const std::string& text) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) return address_from(v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) return address_from(v6);
    return std::nullopt;
}

Addresses lookup_host(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (code != 0) {
        const char* reason = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
        return fail(Fault::kUnreachable, "cannot resolve " + host + " (" + reason + ")");
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
    std::vector<Address> found;
    for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
        if (item->ai_family != AF_INET && item->ai_family != AF_INET6) continue;
        Address address;
        std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
        address.length = item->ai_addrlen;
        found.push_back(address);
    }
    if (found.empty()) return fail(Fault::kUnreachable, "cannot resolve " + host + " (no address)");
    return found;
}

Resolver::Resolver() : Resolver(lookup_host, system_clock(), Options{}) {
}

Resolver::Resolver(Lookup lookup, const Clock& clock, Options options)
    : lookup_(std::move(lookup)), clock_(clock), options_(options) {
}

Resolver::~Resolver() {
    for (std::jthread& thread : threads_)
        thread.request_stop();
}

Resolver& Resolver::shared() {
    // Never destroyed: getaddrinfo cannot be interrupted, and the end of the process must not wait
    // for a name server that does not answer.
    static Resolver& resolver = *new Resolver();
    return resolver;
}

std::uint64_t Resolver::resolve(const std::string& host, Loop& loop, Callback done) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    if (const auto known = remembered_.find(host); known != remembered_.end()) {
        if (clock_.now() < known->second.expires) {
            loop.post([done = std::move(done), found = known->second.addresses]() mutable {
                done(std::move(found));
            });
            return ticket;
        }
        remembered_.erase(known);
    }
    auto [entry, is_new] = waiting_.try_emplace(host);
    entry->second.push_back(Waiter{ticket, &loop, std::move(done)});
    if (!is_new) return ticket;
    queue_.push_back(host);
    if (idle_threads_ < queue_.size() && threads_.size() < options_.max_threads)
        threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    wake_.notify_one();
    return ticket;
}

void Resolver::cancel(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    for (auto& [host, waiters] : waiting_)
        std::erase_if(waiters, [&](const Waiter& waiter) { return waiter.ticket == ticket; });
}

void Resolver::work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_threads_;
        const bool more = wake_.wait(lock, stop, [this] { return !queue_.empty(); });
        --idle_threads_;
        if (!more || stop.stop_requested()) return;
        const std::string host = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        const Addresses found = lookup_(host);
        lock.lock();
        answer(host, found);
    }
}

// Posting happens under the mutex: cancel() can then promise that the loop is not touched later.
void Resolver::answer(const std::string& host, const Addresses& found) {
    if (found) {
        if (remembered_.size() >= options_.max_names) remembered_.clear();
        remembered_[host] = Remembered{*found, clock_.now() + options_.keep};
    }
    const auto entry = waiting_.find(host);
    for (Waiter& waiter : entry->second)
        waiter.loop->post([done = std::move(waiter.done), found] { done(found); });
    waiting_.erase(entry);
}

}  // namespace segue::net
