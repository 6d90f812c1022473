#include "net/client_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace segue::net {
namespace {

constexpr auto kSurelyOpen = std::chrono::milliseconds(20);

std::string origin_key(const Origin& origin) {
    std::string out(origin.scheme == Origin::Scheme::kHttps ? "https://" : "http://");
    out.append(origin.host).append(":").append(fmt::format_int(origin.port).c_str()).append("|");
    return out;
}

}  // namespace

ClientPool::ClientPool(Loop& loop, Duration idle_timeout, std::size_t max_idle_per_origin,
                       Retire retire)
    : loop_(loop),
      idle_timeout_(idle_timeout),
      max_idle_per_origin_(max_idle_per_origin),
      retire_(std::move(retire)) {
}

ClientPool::~ClientPool() {
    loop_.cancel(timer_);
}

std::string ClientPool::key(const Origin& origin, const TlsOptions* tls) {
    std::string out = origin_key(origin);
    // A connection made without verification must not serve a call that wants it.
    if (origin.scheme == Origin::Scheme::kHttps && tls != nullptr)
        fmt::format_to(std::back_inserter(out), "{}|{}|{}", tls->verify, tls->server_name,
                       tls->ca_file);
    else if (origin.scheme == Origin::Scheme::kHttps)
        out += "true||";
    return out;
}

std::unique_ptr<ClientConnection> ClientPool::take(const std::string& key) {
    const auto found = idle_.find(key);
    if (found == idle_.end()) return nullptr;
    std::vector<Idle>& stack = found->second;
    std::unique_ptr<ClientConnection> taken;
    while (taken == nullptr && !stack.empty()) {
        Idle last = std::move(stack.back());
        stack.pop_back();
        --size_;
        // The sweep may be late; and what ended or spoke while it rested is never used again. Right
        // after an answer the loop has hardly had time to miss that: the look is saved, and a call
        // that meets the end all the same is sent again on a new connection.
        const Duration rested = loop_.now() - last.since;
        if (rested < idle_timeout_ && (rested < kSurelyOpen || last.connection->healthy()))
            taken = std::move(last.connection);
    }
    return taken;  // an empty stack stays until the sweep: the connection comes back to it
}

void ClientPool::put(const std::string& key, std::unique_ptr<ClientConnection> connection) {
    if (max_idle_per_origin_ == 0) return retire_(std::move(connection));
    connection->set_user(*this);
    connection->rest();
    std::vector<Idle>& stack = idle_[key];
    if (stack.size() >= max_idle_per_origin_) {
        stack.erase(stack.begin());
        --size_;
    }
    stack.push_back(Idle{std::move(connection), loop_.now()});
    ++size_;
    if (!timer_) watch_the_clock();
}

void ClientPool::drop(const Origin& origin) {
    const std::string prefix = origin_key(origin);
    for (auto entry = idle_.begin(); entry != idle_.end();) {
        if (entry->first.starts_with(prefix)) {
            size_ -= entry->second.size();
            // Retired, not destroyed: the caller may stand inside the callback that put one here.
            for (Idle& idle : entry->second)
                retire_(std::move(idle.connection));
            entry = idle_.erase(entry);
        } else {
            ++entry;
        }
    }
}

void ClientPool::on_lost(ClientConnection& connection, ClientConnection::Loss, const std::string&) {
    connection.close();
    for (auto entry = idle_.begin(); entry != idle_.end(); ++entry) {
        std::vector<Idle>& stack = entry->second;
        const auto found = std::find_if(stack.begin(), stack.end(), [&](const Idle& idle) {
            return idle.connection.get() == &connection;
        });
        if (found == stack.end()) continue;
        retire_(std::move(found->connection));
        stack.erase(found);
        --size_;
        return;
    }
}

// One timer for all: set for the oldest connection, set again when it fires.
void ClientPool::watch_the_clock() {
    std::optional<TimePoint> oldest;
    for (const auto& [key, stack] : idle_)
        if (!stack.empty())
            oldest = std::min(oldest.value_or(stack.front().since), stack.front().since);
    if (!oldest) return;
    timer_ = loop_.after(*oldest + idle_timeout_ - loop_.now(), [this] { sweep(); });
}

void ClientPool::sweep() {
    timer_ = {};
    const TimePoint now = loop_.now();
    for (auto entry = idle_.begin(); entry != idle_.end();) {
        const std::size_t gone = std::erase_if(
            entry->second, [&](const Idle& idle) { return now - idle.since >= idle_timeout_; });
        size_ -= gone;
        entry = entry->second.empty() ? idle_.erase(entry) : std::next(entry);
    }
    watch_the_clock();
}

}  // namespace segue::net
