/// One connection of the client, without HTTP: dials addresses in turn, shakes hands, writes one
/// request, reads bytes.
///
/// Thread: the loop's. Lifetime: owned by a call while it is used and by the pool while it is idle;
/// whoever drops it inside one of its callbacks must keep it alive until that callback has returned
/// (ClientCore::retire).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "net/client.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace segue::net {

class ClientConnection final : public Watcher {
public:
    enum class Loss : std::uint8_t { kClosed, kBroken };
    enum class Stage : std::uint8_t { kNew, kConnecting, kHandshaking, kOpen, kClosed };

    /// Who is told. Any of these may close the connection.
    class User {
    public:
        virtual ~User() = default;
        virtual void on_open(ClientConnection&) {}
        virtual void on_open_failed(ClientConnection&, CallError) {}
        /// Everything given to send() is with the kernel.
        virtual void on_written(ClientConnection&) {}
        virtual void on_bytes(ClientConnection&, std::string_view) {}
        /// The other side closed or broke the connection. While idle: or sent what nobody asked
        /// for.
        virtual void on_lost(ClientConnection&, Loss, const std::string& why) = 0;
    };

    struct Target {
        std::vector<Address> addresses;         // with ports; tried in turn
        std::shared_ptr<const TlsContext> tls;  // null: plain
        std::string tls_name;
        Duration address_limit{0};  // for each address but the last; zero: three seconds
    };

    /// `buffer` is shared by all connections of the loop: bytes are only in it during on_bytes.
    ClientConnection(Loop& loop, std::span<char> buffer);
    ~ClientConnection() override;
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    void dial(Target target, User& user);
    /// `body` must live until on_written or the connection's end; it is never copied as a whole.
    void send(std::string head, std::string_view body);
    void set_user(User& user) { user_ = &user; }
    /// Back-pressure. One read's bytes may be on their way already.
    void set_reading(bool reading);
    /// From now on every byte is unwanted: any sign of life ends in on_lost.
    void rest();
    /// False when bytes or the end wait unread: not to be used again.
    bool healthy();
    /// At once; nobody is told.
    void close();
    Stage stage() const { return stage_; }
    /// A write failed: the other side stopped reading. What it answered before can still be read.
    bool write_failed() const { return write_failed_; }
    bool unsent() const { return !head_.empty() || !body_.empty(); }

    void on_ready(bool readable, bool writable) override;

private:
    enum class Io : std::uint8_t { kBytes, kAgain, kClosed, kBroken };
    void try_next_address();
    void connect_failed(int error);
    void check_connected();
    void connected();
    void shake_hands();
    void open_failed(CallError::Phase phase, CallError::Kind kind, std::string message);
    void close_socket();
    void read_some();
    void read_later();
    void write_some();
    Io read_raw(char* into, std::size_t size, std::size_t& got);
    Io write_raw(std::size_t& put);
    Io from_tls(TlsSession::Step step);
    void update_interest();

    Loop& loop_;
    std::span<char> buffer_;
    User* user_ = nullptr;
    Stage stage_ = Stage::kNew;
    Target target_;
    std::size_t next_address_ = 0;
    TimerId address_timer_;
    int fd_ = -1;
    std::unique_ptr<TlsSession> tls_;
    bool tls_read_wants_write_ = false;
    bool tls_write_wants_read_ = false;
    std::string head_text_;
    std::string_view head_;  // what is left to write, of head_text_
    std::string_view body_;  // what is left to write, of the caller's body
    bool reading_ = true;
    bool resting_ = false;
    bool write_failed_ = false;
    std::string io_error_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace segue::net
