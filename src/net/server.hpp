/// The HTTP/1.1 server side: a listener hands accepted sockets to connections; a connection parses
/// requests with llhttp and gives each to a Handler that the application makes.
///
/// Thread: a connection lives on one loop. Listener::adopt() brings a socket accepted elsewhere
/// onto this loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/connection_gate.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

namespace segue::net {

class TlsContext;

/// What the application does with one request. Made by HandlerFactory when the head is complete;
/// destroyed when the exchange is over (answer finished, or connection gone). Calls come in this
/// order: on_head, on_body*, on_body_end, and at any time on_client_gone (then nothing more).
class Handler {
public:
    virtual ~Handler() = default;
    /// The head is complete. The handler may answer at once; a body that still comes is then read
    /// and dropped (or, when it is large, the connection is closed after the answer).
    virtual void on_head(RequestHead head) = 0;
    /// A piece of the body, decoded from chunked transfer coding (content coding is the
    /// application's).
    virtual void on_body(std::string_view bytes) = 0;
    virtual void on_body_end() = 0;
    /// What was queued for the client has fallen below ServerLimits::low_water again.
    virtual void on_drained() {}
    /// The client closed or reset its side, or a write failed, before the answer was finished.
    virtual void on_client_gone() = 0;
};

/// The answering side of one exchange; owned by the connection, valid as long as the Handler lives.
/// Misuse (two heads, body before head) is a SEGUE_CHECK.
class Responder {
public:
    virtual ~Responder() = default;
    enum class Framing : std::uint8_t {
        kLength,   // `length` bytes follow
        kChunked,  // unknown length: chunked on HTTP/1.1, end by close on 1.0
        kNone,     // no body allowed or wanted (204, 304); Content-Length is not sent
    };
    /// Sends status line and headers. Date, Content-Length or Transfer-Encoding, and Connection are
    /// added here. For a HEAD request body bytes given later are counted but not sent;
    /// Content-Length is still sent.
    virtual void send_head(int status, const Headers& headers, Framing framing,
                           std::size_t length = 0) = 0;
    /// Body bytes; coalesced and written once at the end of this round of the loop.
    virtual void send_body(std::string_view bytes) = 0;
    /// The answer is complete; the connection takes the next request, or closes if it must.
    virtual void finish() = 0;
    /// Cuts the answer: what is queued is flushed, the last chunk is not sent, the socket is
    /// closed. The client sees a broken message, never one that looks complete.
    virtual void abort() = 0;
    /// send_head + send_body + finish in one.
    void respond(int status, const Headers& headers, std::string_view body);
    /// Close after this answer (sends `Connection: close`); before send_head.
    virtual void close_after() = 0;
    virtual bool head_sent() const = 0;
    /// Bytes waiting to be written to the client.
    virtual std::size_t unsent() const = 0;
    /// When the first byte of this request was read, and when its head was complete.
    virtual TimePoint started() const = 0;
    virtual Loop& loop() = 0;
};

/// Refusals that the server itself makes before a Handler exists (bad syntax, header limits,
/// time-outs).
struct ProtocolError {
    int status = 400;     // 400, 408, 413, 417, 429, 431, 501, 503, 505
    std::string message;  // "two Content-Length headers"
    std::string target;   // what is known of the target; chooses the dialect of the error
};

/// What a client did that the server ended by itself; the application counts it.
enum class Refusal : std::uint8_t {
    kConnections,         // there are too many connections
    kAddressConnections,  // there are too many from this address
    kMalformed,           // not HTTP as it must be
    kTooLarge,            // head or body over its limit
    kHeadTimeout,
    kBodyTimeout,
    kWriteTimeout,      // took nothing of its answer
    kHandshake,         // TLS could not be agreed on
    kHandshakeTimeout,  // the TLS handshake took too long
    kPlainHttp,         // HTTP where TLS is spoken
    kFlood,             // HTTP/2: resets, pings, settings, continuations without end
};
/// "connections", "address_connections", ...
std::string_view refusal_name(Refusal refusal);

class Application {
public:
    virtual ~Application() = default;
    virtual std::unique_ptr<Handler> make_handler(Responder& responder) = 0;
    /// Body and content type of an answer to a request that could not be parsed.
    virtual std::pair<std::string, std::string> render_error(const ProtocolError& error) = 0;
    /// Counting hooks; called on the loop's thread.
    virtual void on_connection_opened() {}
    virtual void on_connection_closed() {}
    virtual void on_refused(Refusal) {}
};

struct ServerLimits {
    using milliseconds = std::chrono::milliseconds;
    std::size_t max_connections = 16'384;           // in all; 503 above; 0 = no limit
    std::size_t max_connections_per_address = 0;    // 429 above; 0 = no limit
    std::size_t max_header_bytes = 32 * 1024;       // request line and headers together: 431 above
    std::size_t max_headers = 128;                  // 431 above
    std::size_t max_body_bytes = 64 * 1024 * 1024;  // 413 above (also for a length that says so)
    milliseconds header_timeout{10'000};            // from the first byte of a head to its end: 408
    milliseconds body_timeout{30'000};              // between two reads of a body: 408
    std::size_t min_body_rate = 500;         // bytes a second after the first body_timeout: 408
    milliseconds idle_timeout{75'000};       // keep-alive connection without a request: closed
    milliseconds handshake_timeout{10'000};  // of TLS: closed
    milliseconds write_timeout{60'000};      // a client that takes nothing of its answer: cut
    std::size_t max_streams = 100;           // of an HTTP/2 connection; 0 = no HTTP/2
    // Responder::unsent() above high_water: the producer should pause; on_drained() below
    // low_water.
    std::size_t high_water = 64 * 1024;
    std::size_t low_water = 16 * 1024;
    // Further requests are not read until earlier ones are answered.
    std::size_t max_pipelined = 16;
    bool operator==(const ServerLimits&) const = default;
};

/// A listening socket and the connections that it (or adopt()) brought to one loop.
class Server {
public:
    /// `limits` is copied; `application` and `loop` must outlive the server. `gate` counts the
    /// connections of all servers together; without it this server counts its own.
    Server(Loop& loop, Application& application, ServerLimits limits,
           std::shared_ptr<ConnectionGate> gate = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Takes over a connected, non-blocking socket. On the loop's thread. One connection too many
    /// is answered and closed.
    void adopt(int fd, std::string peer);
    /// Connections from now on begin with a TLS handshake; those that are open go on as they are.
    void use_tls(std::shared_ptr<const TlsContext> context);
    /// Accepts from `listening_fd` (not owned) on this loop and gives each socket to `place`, or
    /// adopts it when empty.
    void accept_from(int listening_fd, std::function<void(int fd, std::string peer)> place = {});
    void stop_accepting();
    /// Each connection closes after the answer that it is in, or gets next.
    void retire();
    /// No new requests: idle connections close, busy ones close after the answer they are in.
    void drain();
    /// Cuts everything that is left.
    void close_all();
    std::size_t connections() const;
    /// Exchanges whose Handler is alive; safe to read from any thread.
    std::size_t active() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A bound, listening, non-blocking TCP socket.
class Listener {
public:
    /// "127.0.0.1:8484", "[::1]:8484", ":8484", "8484", "localhost:0". Port 0 takes a free one.
    static Result<Listener> open(std::string_view address);
    /// Takes over a descriptor that another process opened, bound and listens with; owns it, also
    /// when it is refused.
    static Result<Listener> inherit(int fd);
    Listener(Listener&& other) noexcept;
    Listener& operator=(Listener&& other) noexcept;
    ~Listener();
    int fd() const { return fd_; }
    std::uint16_t port() const { return port_; }
    /// "127.0.0.1:8484" as bound.
    const std::string& address() const { return address_; }
    bool is_loopback() const { return loopback_; }
    /// True when a connection to 127.0.0.1, at its port, comes here.
    bool hears_loopback() const;
    /// True when opening `address`, as open() takes it, would mean this very socket. Port 0 means
    /// any port.
    bool serves(std::string_view address) const;

private:
    Listener(int fd, std::uint16_t port, std::string address, bool loopback);
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::string address_;
    bool loopback_ = false;
};

}  // namespace segue::net
