/// One request and its answer: the Responder that a Handler holds, and the Handler itself.
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

namespace segue::net {

class ServerConnection;

/// What the answer must know about its request.
struct ExchangeRequest {
    bool head_method = false;  // HEAD: no body bytes are sent
    int version_minor = 1;
    TimePoint started;
};

class ServerExchange final : public Responder {
public:
    ServerExchange(ServerConnection& connection, ExchangeRequest request);
    ~ServerExchange() override;

    /// Made after construction: the application is given this Responder.
    void set_handler(std::unique_ptr<Handler> handler) { handler_ = std::move(handler); }
    Handler& handler() { return *handler_; }
    /// From here on nothing reaches the connection.
    void detach() { connection_ = nullptr; }

    void send_head(int status, const Headers& headers, Framing framing,
                   std::size_t length) override;
    void send_body(std::string_view bytes) override;
    void finish() override;
    void abort() override;
    void close_after() override;
    bool head_sent() const override { return head_sent_; }
    std::size_t unsent() const override;
    TimePoint started() const override { return request_.started; }
    Loop& loop() override { return loop_; }

private:
    ServerConnection* connection_;  // null once the exchange is over
    Loop& loop_;
    std::shared_ptr<std::atomic<std::size_t>> active_;
    std::unique_ptr<Handler> handler_;
    ExchangeRequest request_;
    Framing framing_ = Framing::kNone;
    std::size_t length_ = 0;
    std::size_t given_ = 0;
    bool head_sent_ = false;
    bool chunked_ = false;
    bool ends_by_close_ = false;
    bool skips_body_ = false;
};

}  // namespace segue::net
