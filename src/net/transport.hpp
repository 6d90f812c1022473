/// A connected socket of a server connection, plain or inside TLS: one way to read, write and end
/// both.
///
/// Thread: the connection's loop. Owns the descriptor; who watches it unwatches it before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "net/loop.hpp"
#include "net/tls.hpp"

namespace segue::net {

class Transport {
public:
    enum class Io : std::uint8_t { kBytes, kAgain, kEnd, kBroken };

    explicit Transport(int fd, std::unique_ptr<TlsSession> tls = nullptr)
        : fd_(fd), tls_(std::move(tls)) {}
    Transport(Transport&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
    Transport& operator=(Transport&&) = delete;
    ~Transport() { close(); }

    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    bool is_tls() const { return tls_ != nullptr; }

    /// The buffer must hold a TLS record (16 KiB): then nothing stays inside the session, and the
    /// socket alone tells when there is more.
    Io read(std::span<char> buffer, std::size_t& got);
    Io write(std::string_view bytes, std::size_t& put);
    /// Reads what nobody wants any more, past TLS.
    Io drop(std::span<char> scratch);
    /// What to wait for in order to read, or to write.
    Ready interest(bool read, bool write) const;
    /// Bytes that the kernel still holds for the client.
    int not_acknowledged() const;
    /// Ends our side; what was written before still arrives.
    void shut();
    void close();
    /// What is not sent yet is lost, and the client sees it.
    void reset();

private:
    Io read_plain(std::span<char> buffer, std::size_t& got);
    Io read_tls(std::span<char> buffer, std::size_t& got);
    Io write_tls(std::string_view bytes, std::size_t& put);
    int fd_;
    std::unique_ptr<TlsSession> tls_;
    // TLS may have to write before it can read, and the other way round.
    bool read_wants_write_ = false;
    bool write_wants_read_ = false;
};

}  // namespace segue::net
