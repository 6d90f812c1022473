#include "net/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "net/server_connection.hpp"
#include "net/socket_address.hpp"
#include "net/tls_handshake.hpp"

namespace segue::net {
namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;
// Accepted in one go, so that a storm of connections does not starve those that are there.
constexpr int kAcceptBatch = 64;
// No descriptors left: the listening socket stays readable, so looking again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

class Acceptor final : public Watcher, public std::enable_shared_from_this<Acceptor> {
public:
    using Place = std::function<void(int fd, std::string peer)>;
    Acceptor(Loop& loop, int fd, Place place) : loop_(loop), fd_(fd), place_(std::move(place)) {
        loop_.watch(fd_, Ready::kRead, *this);
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    void stop() {
        stopped_ = true;
        loop_.cancel(pause_);
        loop_.unwatch(fd_);
    }

    void on_ready(bool, bool) override {
        const auto self = shared_from_this();  // what place_ calls may stop the accepting
        for (int i = 0; i < kAcceptBatch && !stopped_; ++i) {
            sockaddr_storage address{};
            socklen_t length = sizeof address;
            void* raw = &address;
            const int fd =
                ::accept4(fd_, static_cast<sockaddr*>(raw), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                place_(fd, socket_address_text(address));
                continue;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                pause();
                return;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            // Anything else belongs to the one connection that died in the queue.
        }
    }

private:
    void pause() {
        log::warning("cannot accept connections ({}); raise the limit of open files (ulimit -n)",
                     std::strerror(errno));
        loop_.change(fd_, Ready::kNone);
        pause_ = loop_.after(kAcceptPause, [this] {
            pause_ = {};
            loop_.change(fd_, Ready::kRead);
        });
    }

    Loop& loop_;
    int fd_;
    Place place_;
    TimerId pause_;
    bool stopped_ = false;
};

}  // namespace

std::string_view refusal_name(Refusal refusal) {
    switch (refusal) {
        case Refusal::kConnections: return "connections";
        case Refusal::kAddressConnections: return "address_connections";
        case Refusal::kMalformed: return "malformed";
        case Refusal::kTooLarge: return "too_large";
        case Refusal::kHeadTimeout: return "head_timeout";
        case Refusal::kBodyTimeout: return "body_timeout";
        case Refusal::kWriteTimeout: return "write_timeout";
        case Refusal::kHandshake: return "handshake";
        case Refusal::kHandshakeTimeout: return "handshake_timeout";
        case Refusal::kPlainHttp: return "plain_http";
        case Refusal::kFlood: return "flood";
    }
    return "";
}

std::string_view ServerShared::date() {
    const WallTime wall = std::chrono::system_clock::now();
    if (const auto second = unix_seconds(wall); second != date_second) {
        date_second = second;
        date_text = http_date(wall);
    }
    return date_text;
}

struct Server::Impl {
    std::shared_ptr<ServerShared> shared;
    std::shared_ptr<ConnectionGate> gate;
    std::vector<std::shared_ptr<Acceptor>> acceptors;
    struct Held {
        std::shared_ptr<ServerLink> connection;
        ConnectionGate::Pass pass;
    };
    std::unordered_map<std::uint64_t, Held> connections;
    std::uint64_t next_id = 1;

    // Closing takes connections out of the map while it is walked.
    std::vector<std::shared_ptr<ServerLink>> all() const {
        std::vector<std::shared_ptr<ServerLink>> out;
        out.reserve(connections.size());
        for (const auto& [id, held] : connections)
            out.push_back(held.connection);
        return out;
    }

    void forget(std::uint64_t id) {
        const auto found = connections.find(id);
        if (found == connections.end()) return;
        connections.erase(found);
        shared->application.on_connection_closed();
    }
};

Server::Server(Loop& loop, Application& application, ServerLimits limits,
               std::shared_ptr<ConnectionGate> gate)
    : impl_(std::make_unique<Impl>()) {
    impl_->gate = gate ? std::move(gate)
                       : std::make_shared<ConnectionGate>(limits.max_connections,
                                                          limits.max_connections_per_address);
    impl_->shared = std::make_shared<ServerShared>(ServerShared{
        .loop = loop,
        .application = application,
        .limits = limits,
        .active = std::make_shared<std::atomic<std::size_t>>(0),
        .draining = false,
        .idle_close = false,
        .on_closed = {},
        .become = {},
        .read_buffer = std::vector<char>(kReadBuffer),
        .tls = {},
        .date_text = {},
        .date_second = 0,
    });
    impl_->shared->on_closed = [impl = impl_.get()](std::uint64_t id) { impl->forget(id); };
    impl_->shared->become = [impl = impl_.get()](std::uint64_t id,
                                                 std::shared_ptr<ServerLink> link) {
        if (const auto found = impl->connections.find(id); found != impl->connections.end())
            found->second.connection = std::move(link);
    };
}

Server::~Server() {
    stop_accepting();
    const auto left = impl_->all();
    for (const auto& connection : left)
        connection->close_now();
    // Deferred tasks may hold connections a little longer; handlers must not outlive the
    // application.
    for (const auto& connection : left)
        connection->drop_retired();
    impl_->shared->on_closed = nullptr;
    impl_->shared->become = nullptr;
}

void Server::adopt(int fd, std::string peer) {
    using Verdict = ConnectionGate::Verdict;
    ConnectionGate::Pass pass = impl_->gate->enter(peer);
    std::unique_ptr<ProtocolError> refusal;
    if (pass.verdict() != Verdict::kWelcome) {
        const bool full = pass.verdict() == Verdict::kFull;
        impl_->shared->application.on_refused(full ? Refusal::kConnections
                                                   : Refusal::kAddressConnections);
        // Before a TLS handshake nobody could read an answer.
        if (!pass.may_be_told() || impl_->shared->tls != nullptr) {
            ::close(fd);
            return;
        }
        refusal = std::make_unique<ProtocolError>(
            full ? ProtocolError{503, "too many connections are open; try again later", ""}
                 : ProtocolError{
                       429, "too many connections from one address; use those that are open", ""});
    }
    const std::uint64_t id = impl_->next_id++;
    const int on = 1;
    // Each token of a stream must leave at once. Fails only on sockets that are not TCP.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::shared_ptr<ServerLink> connection;
    if (impl_->shared->tls == nullptr) {
        connection = std::make_shared<ServerConnection>(impl_->shared, id, Transport(fd),
                                                        std::move(peer), std::move(refusal));
    } else if (auto session = TlsSession::accept(*impl_->shared->tls, fd)) {
        connection = std::make_shared<TlsHandshake>(impl_->shared, id, fd, std::move(peer),
                                                    std::move(*session));
    } else {
        log::error("cannot begin a TLS session: {}", session.error().detail);
        ::close(fd);
        return;
    }
    impl_->connections.emplace(id, Impl::Held{connection, std::move(pass)});
    impl_->shared->application.on_connection_opened();
    connection->start();
    if (impl_->shared->idle_close) connection->drain();
}

void Server::use_tls(std::shared_ptr<const TlsContext> context) {
    impl_->shared->tls = std::move(context);
}

void Server::accept_from(int listening_fd, std::function<void(int fd, std::string peer)> place) {
    if (!place) place = [this](int fd, std::string peer) { adopt(fd, std::move(peer)); };
    impl_->acceptors.push_back(
        std::make_shared<Acceptor>(impl_->shared->loop, listening_fd, std::move(place)));
}

void Server::stop_accepting() {
    for (const auto& acceptor : std::exchange(impl_->acceptors, {}))
        acceptor->stop();
}

void Server::retire() {
    impl_->shared->draining = true;
}

void Server::drain() {
    impl_->shared->draining = true;
    impl_->shared->idle_close = true;
    for (const auto& connection : impl_->all())
        connection->drain();
}

void Server::close_all() {
    for (const auto& connection : impl_->all())
        connection->close_now();
}

std::size_t Server::connections() const {
    return impl_->connections.size();
}

std::size_t Server::active() const {
    return impl_->shared->active->load(std::memory_order_relaxed);
}

}  // namespace segue::net
