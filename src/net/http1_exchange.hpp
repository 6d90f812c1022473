/// A request and its answer on an HTTP/1 connection.
///
/// Thread and lifetime: as ServerExchange says.
#pragma once

#include <string_view>

#include "net/server_exchange.hpp"

namespace segue::net {

class ServerConnection;

/// What the answer must know about its request.
struct ExchangeRequest {
    bool head_method = false;  // HEAD: no body bytes are sent
    int version_minor = 1;
    TimePoint started;
};

class Http1Exchange final : public ServerExchange {
public:
    Http1Exchange(ServerConnection& connection, ExchangeRequest request);

    /// From here on nothing reaches the connection.
    void detach() { connection_ = nullptr; }

    void send_head(int status, const Headers& headers, Framing framing,
                   std::size_t length) override;
    void send_body(std::string_view bytes) override;
    void finish() override;
    void abort() override;
    void close_after() override;
    std::size_t unsent() const override;

private:
    ServerConnection* connection_;  // null once the exchange is over
    ExchangeRequest request_;
    Framing framing_ = Framing::kNone;
    std::size_t length_ = 0;
    std::size_t given_ = 0;
    bool chunked_ = false;
    bool ends_by_close_ = false;
    bool skips_body_ = false;
};

}  // namespace segue::net
