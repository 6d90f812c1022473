/// TLS 1.2 and 1.3 over OpenSSL: a context, and a session on one non-blocking socket, for both
/// sides. A client's context has the certificates that it trusts; chain and host name are verified
/// unless that was turned off. A server's has its own certificate, and a client's is asked for only
/// where `client_ca` says so.
///
/// Thread: a context is immutable and may be shared by loops; a session belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

// OpenSSL's own names, so that its headers stay in tls.cpp.
struct ssl_st;
struct ssl_ctx_st;

namespace segue::net {

enum class TlsVerify : std::uint8_t { kPeer, kNothing };

/// What a server shows, and asks for. Files are PEM.
struct ServerTls {
    enum class Version : std::uint8_t { k12, k13 };
    std::string certificate;  // with the chain after it
    std::string key;          // may be the same file
    std::string client_ca;    // clients must show a certificate that these signed; empty: none
    Version min_version = Version::k12;
    bool http2 = true;  // offered by ALPN
    bool operator==(const ServerTls&) const = default;
};

class TlsContext {
public:
    /// Reads and checks the files: what is missing, malformed, mismatched, expired or not valid yet
    /// is refused with the reason.
    static Result<std::shared_ptr<const TlsContext>> serve(const ServerTls& files);
    /// When the server's certificate ends, in seconds since 1970.
    std::int64_t expires() const { return expires_; }
    /// `ca_file` is PEM; empty takes the system's certificates.
    static Result<std::shared_ptr<const TlsContext>> open(TlsVerify verify,
                                                          const std::string& ca_file);
    TlsVerify verify() const { return verify_; }
    ssl_ctx_st* get() const { return context_.get(); }

private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    TlsContext() = default;
    std::unique_ptr<ssl_ctx_st, Free> context_;
    TlsVerify verify_ = TlsVerify::kPeer;
    std::int64_t expires_ = 0;
};

class TlsSession {
public:
    enum class Step : std::uint8_t {
        kDone,
        kWantRead,   // call again when the socket is readable
        kWantWrite,  // call again when it is writable
        kEnd,        // the other side ended the session as it should
        kFailed,     // error() says why; a connection cut without TLS's own end is this too
    };
    /// `name` is a host name or an address; it is what the certificate must be for. The socket
    /// stays the caller's.
    static Result<std::unique_ptr<TlsSession>> open(const TlsContext& context, int fd,
                                                    const std::string& name);

    /// The server's side.
    static Result<std::unique_ptr<TlsSession>> accept(const TlsContext& context, int fd);

    Step handshake();
    /// What ALPN agreed on: "h2", "http/1.1", or "" where the client did not ask.
    std::string_view protocol() const;
    Step read(char* buffer, std::size_t size, std::size_t& got);
    /// Partial writes happen; the same bytes may be given again from another place.
    Step write(std::string_view bytes, std::size_t& written);
    /// Decrypted bytes are waiting: the socket alone will not tell.
    bool pending() const;
    /// True when nothing but TLS's own messages (tickets) came since the last read.
    bool quiet();
    /// Says goodbye, without waiting for the answer.
    void end();
    const std::string& error() const { return error_; }

private:
    struct Free {
        void operator()(ssl_st* session) const;
    };
    TlsSession() = default;
    static Result<std::unique_ptr<TlsSession>> make(const TlsContext& context, int fd);
    Step step(int result);

    std::unique_ptr<ssl_st, Free> session_;
    std::string error_;
};

}  // namespace segue::net
