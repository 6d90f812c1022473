/// A request and its answer on a stream of HTTP/2.
///
/// Thread and lifetime: as ServerExchange says.
#pragma once

#include <string_view>

#include "net/http2_stream.hpp"
#include "net/server_exchange.hpp"

namespace segue::net {

class Http2Connection;

class Http2Exchange final : public ServerExchange {
public:
    Http2Exchange(Http2Connection& connection, Http2Stream& stream, ServerShared& shared);

    /// From here on nothing reaches the connection.
    void detach() { connection_ = nullptr; }

    void send_head(int status, const Headers& headers, Framing framing,
                   std::size_t length) override;
    void send_body(std::string_view bytes) override;
    void finish() override;
    void abort() override;
    // A stream ends alone; its connection goes on.
    void close_after() override {}
    std::size_t unsent() const override;

private:
    Http2Connection* connection_;  // null once the exchange is over
    Http2Stream* stream_;          // valid as long as connection_ is
    ServerShared& shared_;
    bool head_method_;
    bool skips_body_ = false;
    bool has_length_ = false;
    std::size_t length_ = 0;
    std::size_t given_ = 0;
};

}  // namespace segue::net
