// A server's TLS context: its certificate, checked before anybody sees it.
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "net/tls.hpp"

namespace segue::net {
namespace {

// TLS 1.2 with forward secrecy and authenticated encryption only; 1.3 has nothing else.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::string reason() {
    const unsigned long code = ERR_peek_last_error();
    const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return text != nullptr ? text : "unreadable";
}

tl::unexpected<Error> wrong(std::string detail) {
    ERR_clear_error();
    return fail(Fault::kInvalid, std::move(detail), "tls");
}

// OpenSSL's own words for a missing file are of no use.
Result<void> check_readable(std::string_view what, const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return wrong(fmt::format("cannot read the {} {} ({}); check the path and its permissions",
                                 what, file, std::strerror(errno)));
    }
    ::close(fd);
    return {};
}

// Nobody is there to be asked for a passphrase.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Result<std::int64_t> check_dates(const std::string& file, const X509* certificate) {
    const auto text_of = [](const ASN1_TIME* time) {
        std::tm parts{};
        ASN1_TIME_to_tm(time, &parts);
        return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900,
                           parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min);
    };
    const ASN1_TIME* from = X509_get0_notBefore(certificate);
    const ASN1_TIME* to = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(from) > 0) {
        return wrong(
            fmt::format("the certificate {} is not valid before {}; check this machine's "
                        "clock, or give one that is valid now",
                        file, text_of(from)));
    }
    if (X509_cmp_current_time(to) <= 0) {
        return wrong(fmt::format("the certificate {} expired on {}; give one that is valid now",
                                 file, text_of(to)));
    }
    std::tm parts{};
    ASN1_TIME_to_tm(to, &parts);
    return static_cast<std::int64_t>(::timegm(&parts));
}

// RFC 7301: the server's preference; a client that offers nothing that we speak is refused.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* with_http2) {
    static constexpr unsigned char kBoth[] = "\x02h2\x08http/1.1";
    static constexpr unsigned char kOne[] = "\x08http/1.1";
    const unsigned char* ours = with_http2 != nullptr ? kBoth : kOne;
    const unsigned size = with_http2 != nullptr ? sizeof kBoth - 1 : sizeof kOne - 1;
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, ours, size, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

Result<void> load(SSL_CTX* context, const ServerTls& files) {
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
        return wrong(
            fmt::format("cannot use the certificate {} ({}); give a PEM file with the "
                        "certificate and then its chain",
                        files.certificate, reason()));
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
            return wrong(
                fmt::format("the key {} does not belong to the certificate {}; give the "
                            "two that were made together",
                            files.key, files.certificate));
        }
        return wrong(fmt::format(
            "cannot use the key {} ({}); give a PEM file with a private key without passphrase",
            files.key, reason()));
    }
    return {};
}

Result<void> ask_clients(SSL_CTX* context, const std::string& client_ca) {
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(client_ca.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(context, client_ca.c_str()) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return wrong(fmt::format("cannot use the clients' certificates {} ({}); give a PEM file",
                                 client_ca, reason()));
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::serve(const ServerTls& files) {
    ERR_clear_error();
    SEGUE_TRY_VOID(check_readable("certificate", files.certificate));
    SEGUE_TRY_VOID(check_readable("key", files.key));
    if (!files.client_ca.empty())
        SEGUE_TRY_VOID(check_readable("clients' certificates", files.client_ca));
    std::shared_ptr<TlsContext> out(new TlsContext());
    out->verify_ = files.client_ca.empty() ? TlsVerify::kNothing : TlsVerify::kPeer;
    out->context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = out->context_.get();
    if (context == nullptr) return fail(Fault::kInternal, reason(), "tls");
    SSL_CTX_set_min_proto_version(
        context, files.min_version == ServerTls::Version::k13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, kCiphers);
    // Clients that close without TLS's own end are common; a message that is cut shows by its
    // framing.
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    // Tickets resume sessions without memory here; OpenSSL makes their keys anew with each context.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    static constexpr unsigned char kSessions[] = "segue";
    SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1);
    static char with_http2 = 0;  // its address says yes
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, files.http2 ? &with_http2 : nullptr);
    SEGUE_TRY_VOID(load(context, files));
    SEGUE_TRY(expires, check_dates(files.certificate, SSL_CTX_get0_certificate(context)));
    out->expires_ = expires;
    if (!files.client_ca.empty()) SEGUE_TRY_VOID(ask_clients(context, files.client_ca));
    ERR_clear_error();
    return out;
}

}  // namespace segue::net
