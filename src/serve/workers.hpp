/// The threads that serve clients: one loop, one gateway worker and one HTTP server each, and the
/// acceptor before them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "gateway/gateway.hpp"
#include "net/loop.hpp"
#include "net/server.hpp"

namespace segue::serve {

class Workers {
public:
    /// Opens the loops; nothing runs yet.
    static Result<std::unique_ptr<Workers>> open(gateway::Gateway& gateway, std::size_t count,
                                                 const net::ServerLimits& limits);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Starts the threads; nothing is accepted yet.
    void start();
    /// Accepts from `listeners`, which must live until stop_accepting().
    void accept_from(std::span<const net::Listener> listeners);
    /// Connections from now on speak TLS with this certificate. From any thread.
    void use_tls(const std::shared_ptr<const net::TlsContext>& context);
    /// From any thread but the workers'; nothing is accepted any more when it returns.
    void stop_accepting();
    /// Each connection closes after the answer that it is in, or gets next.
    void retire();
    /// No new connections and no new requests; open ones go on.
    void drain();
    /// Requests under way.
    std::size_t active() const;
    /// Cuts what is left and ends the threads.
    void stop();

private:
    struct Thread {
        std::unique_ptr<net::Loop> loop;
        std::unique_ptr<gateway::Worker> worker;
        std::unique_ptr<net::Server> server;
        std::jthread thread;
    };
    Workers() = default;
    void place(int fd, std::string peer);

    /// Never makes a handler: the acceptor only hands sockets over.
    std::unique_ptr<net::Loop> acceptor_loop_;
    std::unique_ptr<net::Server> acceptor_;
    std::jthread acceptor_thread_;
    std::vector<std::unique_ptr<Thread>> threads_;
    bool running_ = false;
};

}  // namespace segue::serve
