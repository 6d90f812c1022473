#include "net/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "net/server_connection.hpp"
#include "net/socket_address.hpp"

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

struct Server::Impl {
    std::shared_ptr<ServerShared> shared;
    std::vector<std::shared_ptr<Acceptor>> acceptors;
    std::unordered_map<std::uint64_t, std::shared_ptr<ServerConnection>> connections;
    std::uint64_t next_id = 1;

    // Closing takes connections out of the map while it is walked.
    std::vector<std::shared_ptr<ServerConnection>> all() const {
        std::vector<std::shared_ptr<ServerConnection>> out;
        out.reserve(connections.size());
        for (const auto& [id, connection] : connections)
            out.push_back(connection);
        return out;
    }
};

Server::Server(Loop& loop, Application& application, ServerLimits limits)
    : impl_(std::make_unique<Impl>()) {
    impl_->shared = std::make_shared<ServerShared>(ServerShared{
        .loop = loop,
        .application = application,
        .limits = limits,
        .active = std::make_shared<std::atomic<std::size_t>>(0),
        .draining = false,
        .on_closed = {},
        .read_buffer = std::vector<char>(kReadBuffer),
        .date = {},
        .date_second = 0,
    });
    impl_->shared->on_closed = [impl = impl_.get()](std::uint64_t id) {
        impl->connections.erase(id);
        impl->shared->application.on_connection_closed();
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
}

void Server::adopt(int fd, std::string peer) {
    const std::uint64_t id = impl_->next_id++;
    auto connection = std::make_shared<ServerConnection>(impl_->shared, id, fd, std::move(peer));
    impl_->connections.emplace(id, connection);
    impl_->shared->application.on_connection_opened();
    connection->start();
    if (impl_->shared->draining) connection->drain();
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

void Server::drain() {
    impl_->shared->draining = true;
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
