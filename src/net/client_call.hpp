/// One call of the client: finds or opens a connection, sends the request, reads the answer, keeps
/// the deadlines, repeats once where a reused connection turned out closed.
///
/// Thread: the loop's. Owned by ClientCore's table until it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/client.hpp"
#include "net/client_connection.hpp"
#include "net/response_parser.hpp"

namespace segue::net {

class ClientCore;

class ClientCall final : public ClientConnection::User {
public:
    ClientCall(ClientCore& core, ClientRequest request, ResponseHandler& handler);
    ~ClientCall() override;
    ClientCall(const ClientCall&) = delete;
    ClientCall& operator=(const ClientCall&) = delete;

    /// Sets the total deadline and begins in the next round: the handler is not called before that.
    void schedule(CallId self);
    /// Closes the connection; the handler hears nothing more.
    void abandon();
    void set_paused(bool paused);
    bool has_connection() const { return connection_ != nullptr; }

    void on_open(ClientConnection&) override;
    void on_open_failed(ClientConnection&, CallError error) override;
    void on_written(ClientConnection&) override;
    void on_bytes(ClientConnection&, std::string_view bytes) override;
    void on_lost(ClientConnection&, ClientConnection::Loss loss, const std::string& why) override;

private:
    using Phase = CallError::Phase;
    using Kind = CallError::Kind;
    void begin();
    void connect();
    void dial(std::vector<Address> addresses);
    void exchange(std::unique_ptr<ClientConnection> connection);
    void enter(Phase phase);
    Duration limit() const;
    void arm(Duration delay);
    void on_silence();
    void succeed();
    void fail(Phase phase, Kind kind, std::string message);
    void drop_connection();

    ClientCore& core_;
    ClientRequest request_;
    ResponseHandler* handler_;  // null once the call is over
    CallId self_;
    Phase phase_ = Phase::kResolve;
    std::string pool_key_;
    std::unique_ptr<ClientConnection> connection_;
    std::optional<ResponseParser> parser_;
    std::uint64_t lookup_ = 0;  // the resolver's ticket; zero: none
    bool reused_ = false;
    bool got_bytes_ = false;
    bool paused_ = false;
    TimePoint last_event_;
    TimerId phase_timer_;
    TimerId total_timer_;
};

}  // namespace segue::net
