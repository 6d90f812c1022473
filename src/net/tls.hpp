/// TLS 1.2 and 1.3 on the client side, over OpenSSL: a context with the trusted certificates, and a
/// session on one non-blocking socket. Verification of chain and host name is on unless it was
/// turned off.
///
/// Thread: a context and its sessions belong to one loop.
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

class TlsContext {
public:
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

    Step handshake();
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
    Step step(int result);

    std::unique_ptr<ssl_st, Free> session_;
    std::string error_;
};

}  // namespace segue::net
