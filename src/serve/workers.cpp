#include "serve/workers.hpp"

#include <algorithm>
#include <latch>
#include <utility>

namespace segue::serve {

Result<std::unique_ptr<Workers>> Workers::open(gateway::Gateway& gateway, std::size_t count,
                                               const net::ServerLimits& limits) {
    std::unique_ptr<Workers> workers(new Workers);
    const auto gate = std::make_shared<net::ConnectionGate>(limits.max_connections,
                                                            limits.max_connections_per_address);
    for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
        auto thread = std::make_unique<Thread>();
        SEGUE_TRY(loop, net::Loop::open());
        thread->loop = std::move(loop);
        thread->worker = std::make_unique<gateway::Worker>(gateway, *thread->loop);
        thread->server =
            std::make_unique<net::Server>(*thread->loop, *thread->worker, limits, gate);
        workers->threads_.push_back(std::move(thread));
    }
    SEGUE_TRY(loop, net::Loop::open());
    workers->acceptor_loop_ = std::move(loop);
    workers->acceptor_ = std::make_unique<net::Server>(*workers->acceptor_loop_,
                                                       *workers->threads_.front()->worker, limits);
    return workers;
}

Workers::~Workers() {
    stop();
}

void Workers::start() {
    running_ = true;
    for (auto& thread : threads_) {
        net::Loop* loop = thread->loop.get();
        thread->thread = std::jthread([loop] { loop->run(); });
    }
    acceptor_thread_ = std::jthread([loop = acceptor_loop_.get()] { loop->run(); });
}

void Workers::accept_from(std::span<const net::Listener> listeners) {
    for (const auto& listener : listeners)
        acceptor_loop_->post([this, fd = listener.fd()] {
            acceptor_->accept_from(
                fd, [this](int socket, std::string peer) { place(socket, std::move(peer)); });
        });
}

void Workers::use_tls(const std::shared_ptr<const net::TlsContext>& context) {
    // By way of the acceptor, which hands over sockets and turns threads_ around: each socket that
    // it hands over afterwards finds the context there.
    acceptor_loop_->post([this, context] {
        for (auto& thread : threads_)
            thread->loop->post(
                [server = thread->server.get(), context] { server->use_tls(context); });
    });
}

/// The worker with the fewest requests under way gets the connection; it stays there.
void Workers::place(int fd, std::string peer) {
    const auto least = std::min_element(
        threads_.begin(), threads_.end(),
        [](const auto& a, const auto& b) { return a->server->active() < b->server->active(); });
    Thread* thread = least->get();
    // Between equals take turns, so that idle connections spread too.
    std::rotate(threads_.begin(), std::next(least), threads_.end());
    thread->loop->post([thread, fd, peer = std::move(peer)]() mutable {
        thread->server->adopt(fd, std::move(peer));
    });
}

void Workers::stop_accepting() {
    std::latch stopped(1);
    acceptor_loop_->post([&] {
        acceptor_->stop_accepting();
        stopped.count_down();
    });
    stopped.wait();  // from here on threads_ is not rotated any more
}

void Workers::retire() {
    stop_accepting();
    for (auto& thread : threads_)
        thread->loop->post([server = thread->server.get()] { server->retire(); });
}

void Workers::drain() {
    stop_accepting();
    for (auto& thread : threads_)
        thread->loop->post([server = thread->server.get()] { server->drain(); });
}

std::size_t Workers::active() const {
    std::size_t sum = 0;
    for (const auto& thread : threads_)
        sum += thread->server->active();
    return sum;
}

void Workers::stop() {
    if (!std::exchange(running_, false)) return;
    acceptor_loop_->post([this] {
        acceptor_->stop_accepting();
        acceptor_loop_->stop();
    });
    acceptor_thread_.join();
    for (auto& thread : threads_) {
        Thread* ending = thread.get();
        ending->loop->post([ending] {
            ending->server->close_all();
            // What closing has deferred still runs before the loop ends.
            ending->loop->post([ending] { ending->loop->stop(); });
        });
    }
    for (auto& thread : threads_)
        thread->thread.join();
    acceptor_.reset();
    threads_.clear();
}

}  // namespace segue::serve
