#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/check.hpp"
#include "net/resolver.hpp"

namespace segue::net {
namespace {

// OpenSSL's own socket BIO writes with write(2): a peer that is gone would raise SIGPIPE. This one
// sends with MSG_NOSIGNAL. The descriptor is the BIO's data.
int bio_fd(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int bio_read(BIO* bio, char* buffer, int size) {
    BIO_clear_retry_flags(bio);
    const auto got = ::recv(bio_fd(bio), buffer, static_cast<std::size_t>(size), 0);
    if (got < 0 && would_block()) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto put = ::send(bio_fd(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (put < 0 && would_block()) BIO_set_retry_write(bio);
    return static_cast<int>(put);
}

long bio_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "segue socket");
        SEGUE_CHECK(made != nullptr);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

std::string last_error(std::string_view otherwise) {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return reason != nullptr ? std::string(reason) : std::string(otherwise);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

void TlsSession::Free::operator()(ssl_st* session) const {
    SSL_free(session);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::open(TlsVerify verify,
                                                           const std::string& ca_file) {
    ERR_clear_error();
    std::shared_ptr<TlsContext> out(new TlsContext());
    out->verify_ = verify;
    out->context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = out->context_.get();
    if (context == nullptr) return fail(Fault::kInternal, last_error("out of memory"), "tls");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // Length-prefixed list (RFC 7301): HTTP/1.1 is all that we speak.
    static constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn);
    if (verify == TlsVerify::kNothing) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return out;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
        return fail(Fault::kInvalid,
                    "cannot read certificates from " + ca_file + " (" + last_error("unreadable") +
                        "); give a PEM file",
                    "tls");
    }
    ERR_clear_error();
    return out;
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsContext& context, int fd) {
    ERR_clear_error();
    std::unique_ptr<TlsSession> out(new TlsSession());
    out->session_.reset(SSL_new(context.get()));
    SSL* session = out->session_.get();
    BIO* bio = session != nullptr ? BIO_new(bio_method()) : nullptr;
    if (bio == nullptr) return fail(Fault::kInternal, last_error("out of memory"), "tls");
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
    return out;
}

Result<std::unique_ptr<TlsSession>> TlsSession::accept(const TlsContext& context, int fd) {
    SEGUE_TRY(out, make(context, fd));
    SSL_set_accept_state(out->session_.get());
    return out;
}

Result<std::unique_ptr<TlsSession>> TlsSession::open(const TlsContext& context, int fd,
                                                     const std::string& name) {
    SEGUE_TRY(out, make(context, fd));
    SSL* session = out->session_.get();
    SSL_set_connect_state(session);
    bool named = true;
    if (parse_address(name)) {
        // RFC 6066: an address is not sent as server name; the certificate must list it as an
        // address.
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str()) == 1;
    } else {
        SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        // SSL_set_tlsext_host_name is a macro with an old-style cast; this is what it does.
        named = SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                         const_cast<char*>(name.c_str())) == 1 &&
                SSL_set1_host(session, name.c_str()) == 1;
    }
    if (!named) return fail(Fault::kInvalid, "not a host name: " + name, "tls");
    return out;
}

TlsSession::Step TlsSession::step(int result) {
    const int saved = errno;
    const int code = SSL_get_error(session_.get(), result);
    switch (code) {
        case SSL_ERROR_NONE: return Step::kDone;
        case SSL_ERROR_WANT_READ: return Step::kWantRead;
        case SSL_ERROR_WANT_WRITE: return Step::kWantWrite;
        case SSL_ERROR_ZERO_RETURN: return Step::kEnd;
        default: break;
    }
    const long verified = SSL_get_verify_result(session_.get());
    if (verified != X509_V_OK && SSL_get_verify_mode(session_.get()) != SSL_VERIFY_NONE) {
        error_ = std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
        ERR_clear_error();
    } else if (code == SSL_ERROR_SYSCALL) {
        error_ = saved != 0 ? std::strerror(saved) : "connection closed";
        ERR_clear_error();
    } else {
        error_ = last_error("TLS error");
    }
    return Step::kFailed;
}

TlsSession::Step TlsSession::handshake() {
    ERR_clear_error();
    errno = 0;
    return step(SSL_do_handshake(session_.get()));
}

std::string_view TlsSession::protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session_.get(), &name, &size);
    const void* raw = name;
    return {static_cast<const char*>(raw), size};
}

TlsSession::Step TlsSession::read(char* buffer, std::size_t size, std::size_t& got) {
    ERR_clear_error();
    errno = 0;
    got = 0;
    return step(SSL_read_ex(session_.get(), buffer, size, &got));
}

TlsSession::Step TlsSession::write(std::string_view bytes, std::size_t& written) {
    ERR_clear_error();
    errno = 0;
    written = 0;
    return step(SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written));
}

bool TlsSession::pending() const {
    return SSL_has_pending(session_.get()) == 1;
}

bool TlsSession::quiet() {
    ERR_clear_error();
    errno = 0;
    char byte = 0;
    std::size_t got = 0;
    return step(SSL_peek_ex(session_.get(), &byte, 1, &got)) == Step::kWantRead;
}

void TlsSession::end() {
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
}

}  // namespace segue::net
