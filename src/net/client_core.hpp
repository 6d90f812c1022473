/// What the calls of one client share: loop, pool, read buffer, TLS contexts, the table of calls,
/// and the place where finished calls and connections wait until nobody stands inside them any
/// more.
///
/// Thread: the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/client.hpp"
#include "net/client_connection.hpp"
#include "net/client_pool.hpp"
#include "net/graveyard.hpp"

namespace segue::net {

class ClientCall;

class ClientCore {
public:
    ClientCore(Loop& loop, const ClientOptions& options);
    ~ClientCore();
    ClientCore(const ClientCore&) = delete;
    ClientCore& operator=(const ClientCore&) = delete;

    CallId add(ClientRequest request, ResponseHandler& handler);
    ClientCall* find(CallId call);
    /// Frees the call's slot; the object lives until the end of this round.
    void remove(CallId call);
    /// Destroyed at the end of this round.
    void retire(std::unique_ptr<ClientConnection> connection);

    Loop& loop() { return loop_; }
    ClientPool& pool() { return pool_; }
    const ClientPool& pool() const { return pool_; }
    /// Contexts are kept: reading the system's certificates takes milliseconds.
    Result<std::shared_ptr<const TlsContext>> tls_context(const TlsOptions& options);
    std::unique_ptr<ClientConnection> make_connection();
    std::size_t busy_connections() const;
    /// Expires with the client: for tasks that wait in the loop.
    std::weak_ptr<bool> alive() const { return alive_; }

private:
    struct Slot {
        std::unique_ptr<ClientCall> call;
        std::uint32_t generation = 1;
    };
    void empty_graveyard_later();

    Loop& loop_;
    std::vector<char> buffer_;
    Graveyard<std::unique_ptr<ClientConnection>> dead_connections_;
    Graveyard<std::unique_ptr<ClientCall>> dead_calls_;
    bool graveyard_scheduled_ = false;
    ClientPool pool_;
    std::map<std::pair<bool, std::string>, std::shared_ptr<const TlsContext>> contexts_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace segue::net
