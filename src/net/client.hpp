/// The HTTP/1.1 client side: pooled connections to origins, with deadlines for each phase, TLS, and
/// cancelling.
///
/// Thread: a Client lives on one loop; each worker has its own. Nothing blocks: names are resolved
/// on a helper thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

namespace segue::net {

struct TlsOptions {
    bool verify = true;
    std::string ca_file;      // PEM; empty = the system's
    std::string server_name;  // empty = the origin's host
};

/// How far a call may take; zero = no limit.
struct Deadlines {
    std::chrono::milliseconds connect{5'000};  // name, TCP, TLS
    std::chrono::milliseconds first_byte{0};   // request written -> first byte of the answer's head
    std::chrono::milliseconds between_bytes{0};  // silence inside an answer
    std::chrono::milliseconds total{0};
};

struct ClientRequest {
    Origin origin;
    std::string method = "GET";
    std::string path;  // begins with '/', with query; the origin's prefix is put before it
    Headers headers;   // Host, Content-Length and Connection are added
    std::string body;
    Deadlines deadlines;
    std::shared_ptr<const TlsOptions> tls;  // null = defaults
    std::size_t max_head_bytes = 64 * 1024;
};

/// Why a call ended without a whole answer.
struct CallError {
    enum class Phase : std::uint8_t {
        kResolve,
        kConnect,
        kTls,
        kSend,
        kFirstByte,
        kHead,
        kBody,
        kTotal
    } phase;
    enum class Kind : std::uint8_t {
        kRefused,    // connection refused, host unknown or unreachable
        kTimeout,    // a deadline passed; `phase` says which
        kReset,      // closed or reset by the other side before the answer was whole
        kProtocol,   // what came is not HTTP, or its framing is wrong
        kTlsFailed,  // certificate or handshake
    } kind;
    std::string message;  // "connection refused", for logs and errors
};

/// Told what comes back. No call is made after cancel(), on_end() or on_error().
/// A handler may cancel its call, or start new ones, from inside any of these.
class ResponseHandler {
public:
    virtual ~ResponseHandler() = default;
    /// The request was written to a connection (called again when it is repeated on a fresh one).
    virtual void on_sent() {}
    virtual void on_head(const ResponseHead& head) = 0;
    /// Decoded from chunked coding. `bytes` is only valid during the call. All that one read
    /// brought arrives in one call.
    virtual void on_body(std::string_view bytes) = 0;
    /// The body is whole (length reached, last chunk seen, or, without either, the connection
    /// ended).
    virtual void on_end() = 0;
    virtual void on_error(const CallError& error) = 0;
};

/// Handle of a running call; stale handles are harmless. Default-made: none.
struct CallId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    explicit operator bool() const { return generation != 0; }
};

struct ClientOptions {
    /// An idle connection is closed this long after its last use: before vLLM's server does (5 s).
    std::chrono::milliseconds idle_timeout{4'000};
    std::size_t max_idle_per_origin = 64;
    std::size_t read_buffer = 64 * 1024;
};

/// A pool of connections. A request written to a reused connection that turns out closed before the
/// first byte of an answer is repeated once on a fresh one, unseen by the caller (conformance case
/// C117).
class Client {
public:
    explicit Client(Loop& loop, ClientOptions options = {});
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// `handler` must live until on_end, on_error or cancel. Never calls the handler before it
    /// returns.
    CallId start(ClientRequest request, ResponseHandler& handler);
    /// Closes the call's connection at once; the handler is not called again. Clears the handle.
    void cancel(CallId& call);
    /// Stops and resumes reading from the call's connection: back-pressure.
    void pause(CallId call);
    void resume(CallId call);
    std::size_t open_connections() const;
    std::size_t idle_connections() const;
    /// Closes idle connections to that origin (its engine was restarted or ejected).
    void drop_idle(const Origin& origin);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One blocking request for command-line tools and control-plane threads; runs its own loop inside.
struct SimpleResponse {
    int status = 0;
    Headers headers;
    std::string body;
};
/// `stop`: gives up at once, with an error, when that is asked for.
Result<SimpleResponse> fetch(ClientRequest request, std::size_t max_body_bytes = 16 * 1024 * 1024,
                             const std::stop_token& stop = {});

}  // namespace segue::net
