/// The end of a connection after its last byte: our side is shut, what still comes is read and
/// dropped until the client closes, too.
///
/// Closing with unread bytes in the socket would reset the connection and could cost the client its
/// answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "net/server_link.hpp"
#include "net/transport.hpp"

namespace segue::net {

class ServerLinger final : public ServerLink, public std::enable_shared_from_this<ServerLinger> {
public:
    // A shut connection that brings nothing for so long is closed, and after so long in any case.
    static constexpr std::chrono::seconds kQuiet{2};
    static constexpr std::chrono::seconds kTotal{30};

    ServerLinger(std::shared_ptr<ServerShared> shared, std::uint64_t id, Transport transport)
        : shared_(std::move(shared)), id_(id), transport_(std::move(transport)) {}
    void start() override;
    void drain() override {}
    void close_now() override;
    void on_ready(bool readable, bool writable) override;

private:
    void wait();
    std::shared_ptr<ServerShared> shared_;
    std::uint64_t id_;
    Transport transport_;
    TimerId timer_;
    TimePoint until_;
};

}  // namespace segue::net
