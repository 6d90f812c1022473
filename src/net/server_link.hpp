/// One client connection of a Server, whatever it speaks at the moment, and what all of them share.
///
/// Thread: one loop. Held by shared_ptr: tasks deferred to the end of a round keep it alive until
/// they ran. A link may become another one (a handshake becomes HTTP/1 or HTTP/2): the server then
/// holds the new one under the same number.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "net/server.hpp"
#include "net/tls.hpp"

namespace segue::net {

class ServerLink : public Watcher {
public:
    /// After construction, when the server holds it.
    virtual void start() = 0;
    /// No request after those at hand.
    virtual void drain() = 0;
    /// Closes now; running exchanges are told that their client is gone.
    virtual void close_now() = 0;
    /// Destroys ended exchanges at once instead of after the round.
    virtual void drop_retired() {}
};

/// Outlives the Server while a deferred task holds a link.
struct ServerShared {
    Loop& loop;
    Application& application;
    ServerLimits limits;
    std::shared_ptr<std::atomic<std::size_t>> active;
    bool draining = false;    // an answer is its connection's last
    bool idle_close = false;  // and a connection without a request closes
    // Both are emptied by ~Server.
    std::function<void(std::uint64_t id)> on_closed;
    std::function<void(std::uint64_t id, std::shared_ptr<ServerLink>)> become;
    std::vector<char> read_buffer;
    std::shared_ptr<const TlsContext> tls;  // of connections to come; empty: plain
    std::string date_text;                  // of `date_second`
    std::int64_t date_second = 0;

    /// For the Date header.
    std::string_view date();
};

}  // namespace segue::net
