/// Idle connections of one client, by origin and TLS options: the last one put in is the first one
/// taken out.
///
/// Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/client_connection.hpp"

namespace segue::net {

class ClientPool final : public ClientConnection::User {
public:
    /// A connection that leaves inside its own callback is handed to `retire`, to be destroyed
    /// later.
    using Retire = std::function<void(std::unique_ptr<ClientConnection>)>;
    ClientPool(Loop& loop, Duration idle_timeout, std::size_t max_idle_per_origin, Retire retire);
    ~ClientPool() override;
    ClientPool(const ClientPool&) = delete;
    ClientPool& operator=(const ClientPool&) = delete;

    /// "https://host:443|..." : connections of one key are interchangeable.
    static std::string key(const Origin& origin, const TlsOptions* tls);

    /// A healthy connection, or null.
    std::unique_ptr<ClientConnection> take(const std::string& key);
    void put(const std::string& key, std::unique_ptr<ClientConnection> connection);
    void drop(const Origin& origin);
    std::size_t size() const { return size_; }

    void on_lost(ClientConnection& connection, ClientConnection::Loss, const std::string&) override;

private:
    struct Idle {
        std::unique_ptr<ClientConnection> connection;
        TimePoint since;
    };
    void sweep();
    void watch_the_clock();

    Loop& loop_;
    Duration idle_timeout_;
    std::size_t max_idle_per_origin_;
    Retire retire_;
    std::unordered_map<std::string, std::vector<Idle>> idle_;  // oldest first
    std::size_t size_ = 0;
    TimerId timer_;
};

}  // namespace segue::net
