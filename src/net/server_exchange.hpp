/// One request and its answer, whatever the connection speaks: the Responder that a Handler holds,
/// and the Handler itself.
///
/// Thread: the connection's loop. The connection owns it while it runs and destroys it after the
/// round in which it ended, so that a Handler may end its exchange from inside any of its own
/// calls.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "net/server.hpp"
#include "net/server_link.hpp"

namespace segue::net {

/// Counts one of Server::active() while it lives.
class ActiveCount {
public:
    explicit ActiveCount(const ServerShared& shared) : active_(shared.active) {
        active_->fetch_add(1, std::memory_order_relaxed);
    }
    ~ActiveCount() { active_->fetch_sub(1, std::memory_order_relaxed); }
    ActiveCount(const ActiveCount&) = delete;
    ActiveCount& operator=(const ActiveCount&) = delete;

private:
    std::shared_ptr<std::atomic<std::size_t>> active_;
};

class ServerExchange : public Responder {
public:
    ServerExchange(ServerShared& shared, TimePoint started)
        : loop_(shared.loop), active_(shared), started_(started) {}

    /// Made after construction: the application is given this Responder.
    void set_handler(std::unique_ptr<Handler> handler) { handler_ = std::move(handler); }
    Handler& handler() { return *handler_; }

    bool head_sent() const override { return head_sent_; }
    TimePoint started() const override { return started_; }
    Loop& loop() override { return loop_; }

    static bool never_has_body(int status) {
        return status / 100 == 1 || status == 204 || status == 304;
    }

protected:
    /// Headers that describe the connection: they are made here, whatever the application says.
    static bool is_ours(std::string_view name);
    /// A relayed value must not be able to add headers of its own.
    static void append_clean(std::string_view text, std::string& out);

    bool head_sent_ = false;

private:
    Loop& loop_;
    ActiveCount active_;
    TimePoint started_;
    std::unique_ptr<Handler> handler_;  // destroyed first: it holds this Responder
};

}  // namespace segue::net
