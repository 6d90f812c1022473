/// A connection in its TLS handshake; afterwards it speaks what the client and we agreed on (ALPN).
///
/// Thread: one loop. The handshake has a deadline of its own. A client that speaks plain HTTP here
/// is told so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/server_link.hpp"
#include "net/transport.hpp"

namespace segue::net {

class TlsHandshake final : public ServerLink, public std::enable_shared_from_this<TlsHandshake> {
public:
    TlsHandshake(std::shared_ptr<ServerShared> shared, std::uint64_t id, int fd, std::string peer,
                 std::unique_ptr<TlsSession> session);
    void start() override;
    void drain() override { close_now(); }
    void close_now() override;
    void on_ready(bool readable, bool writable) override;

private:
    bool speaks_plain_http() const;
    void answer_plain_http();
    void established();
    void fail();
    void on_timeout();
    void become(std::shared_ptr<ServerLink> link);

    std::shared_ptr<ServerShared> shared_;
    std::uint64_t id_;
    int fd_;  // -1 once handed on
    std::string peer_;
    std::unique_ptr<TlsSession> session_;
    TimerId timer_;
    bool first_ = true;  // nothing was read yet
};

}  // namespace segue::net
