#include "net/tls.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>

#include "net/client.hpp"
#include "net/test_peer.hpp"

namespace segue::net {
namespace {

using std::chrono::milliseconds;
using Phase = CallError::Phase;
using Kind = CallError::Kind;

/// A certificate that signs itself, and its key.
struct Identity {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
};

/// `names` as OpenSSL writes them: "DNS:engine.test,IP:127.0.0.1".
Identity make_identity(const std::string& names, long valid_seconds = 3600) {
    Identity out;
    out.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
    out.certificate.reset(X509_new(), X509_free);
    X509* const x = out.certificate.get();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_seconds);
    X509_set_pubkey(x, out.key.get());
    X509_NAME* const name = X509_get_subject_name(x);
    const unsigned char common[] = "segue test";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509V3_CTX context{};
    X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
    for (const auto& [what, value] : {std::pair{NID_subject_alt_name, names},
                                      {NID_basic_constraints, std::string("CA:TRUE")}}) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    X509_sign(x, out.key.get(), EVP_sha256());
    return out;
}

std::string write_pem(const Identity& identity, const std::string& name) {
    const std::string path = testing::TempDir() + name;
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, identity.certificate.get());
    std::fclose(file);
    return path;
}

/// A blocking TLS server on one accepted socket.
class TlsServer {
public:
    TlsServer(const Identity& identity, PeerSocket& socket) {
        context_.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
        SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
        SSL_CTX_set_alpn_select_cb(context_.get(), choose, this);
        session_.reset(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(session_.get(), socket.fd());
        // The test's own end may be gone: a write then must not kill the program.
        ::signal(SIGPIPE, SIG_IGN);
        ready_ = SSL_accept(session_.get()) == 1;
        if (const char* name = SSL_get_servername(session_.get(), TLSEXT_NAMETYPE_host_name))
            server_name = name;
    }
    bool ready() const { return ready_; }
    std::string read_request() {
        std::string got;
        while (got.find("\r\n\r\n") == std::string::npos) {
            char buffer[4096];
            const int count = SSL_read(session_.get(), buffer, sizeof buffer);
            if (count <= 0) return "";
            got.append(buffer, static_cast<std::size_t>(count));
        }
        return got;
    }
    std::size_t discard(std::size_t wanted) {
        std::vector<char> buffer(64 * 1024);
        std::size_t total = 0;
        while (total < wanted) {
            const int count =
                SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
            if (count <= 0) break;
            total += static_cast<std::size_t>(count);
        }
        return total;
    }
    void send(std::string_view bytes) {
        SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
    }
    void end() { SSL_shutdown(session_.get()); }

    std::string server_name;
    std::string offered;

private:
    static int choose(SSL*, const unsigned char** out, unsigned char* length,
                      const unsigned char* in, unsigned int in_length, void* self) {
        for (unsigned int i = 0; i < in_length; ++i)
            static_cast<TlsServer*>(self)->offered += static_cast<char>(in[i]);
        *out = in + 1;
        *length = in[0];
        return SSL_TLSEXT_ERR_OK;
    }
    std::shared_ptr<SSL_CTX> context_;
    std::shared_ptr<SSL> session_;
    bool ready_ = false;
};

struct Collected final : ResponseHandler {
    explicit Collected(Loop& loop) : loop_(loop) {}
    void on_head(const ResponseHead& head) override { status = head.status; }
    void on_body(std::string_view bytes) override {
        ++pieces;
        body += bytes;
        if (when_body) when_body();
    }
    void on_end() override {
        ended = true;
        loop_.stop();
    }
    void on_error(const CallError& got) override {
        error = got;
        loop_.stop();
    }
    bool is(Kind kind, Phase phase) const {
        if (!error) return false;
        EXPECT_EQ(static_cast<int>(error->phase), static_cast<int>(phase)) << error->message;
        EXPECT_EQ(static_cast<int>(error->kind), static_cast<int>(kind)) << error->message;
        return error->kind == kind && error->phase == phase;
    }
    Loop& loop_;
    int status = 0, pieces = 0;
    bool ended = false;
    std::string body;
    std::optional<CallError> error;
    std::function<void()> when_body;
};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TlsOptions trust(std::string ca_file, std::string server_name = "") {
    TlsOptions out;
    out.ca_file = std::move(ca_file);
    out.server_name = std::move(server_name);
    return out;
}

TlsOptions trust_all() {
    TlsOptions out;
    out.verify = false;
    return out;
}

class TlsTest : public testing::Test {
protected:
    std::unique_ptr<Loop> loop_ = Loop::open().value();
    Identity identity_ = make_identity("DNS:engine.test,DNS:localhost,IP:127.0.0.1");
    std::string ca_ = write_pem(identity_, "segue_tls_test_ca.pem");
    std::mutex mutex_;
    std::vector<std::string> names_;
    std::string offered_;

    TestPeer::Script serve(std::string bytes = kOk) {
        return [this, bytes = std::move(bytes)](PeerSocket& socket) {
            TlsServer server(identity_, socket);
            {
                const std::lock_guard lock(mutex_);
                names_.push_back(server.server_name);
                offered_ = server.offered;
            }
            while (server.ready() && !server.read_request().empty())
                server.send(bytes);
            if (server.ready()) server.end();
        };
    }
    ClientRequest get(const TestPeer& peer, TlsOptions options) {
        ClientRequest request;
        request.origin.scheme = Origin::Scheme::kHttps;
        request.origin.host = "127.0.0.1";
        request.origin.port = peer.port();
        request.path = "/";
        request.tls = std::make_shared<const TlsOptions>(std::move(options));
        return request;
    }
    void call(Client& client, ClientRequest request, Collected& into) {
        TimerId limit = loop_->after(std::chrono::seconds(10), [this] {
            ADD_FAILURE() << "the call never ended";
            loop_->stop();
        });
        client.start(std::move(request), into);
        loop_->run();
        loop_->cancel(limit);
    }
    Collected once(ClientRequest request) {
        Client client(*loop_);
        Collected seen(*loop_);
        call(client, std::move(request), seen);
        return seen;
    }
};

TEST_F(TlsTest, VerifiesByAddress) {
    TestPeer peer(serve());
    const Collected seen = once(get(peer, trust(ca_)));
    EXPECT_FALSE(seen.error) << seen.error->message;
    EXPECT_EQ(seen.body, "ok");
    EXPECT_EQ(names_.at(0), "") << "an address is not a server name";
    EXPECT_EQ(offered_, "\x08http/1.1");
}

TEST_F(TlsTest, SendsTheServerNameAndVerifiesIt) {
    TestPeer peer(serve());
    EXPECT_EQ(once(get(peer, trust(ca_, "engine.test"))).body, "ok");
    EXPECT_EQ(names_.at(0), "engine.test");
    ClientRequest local = get(peer, trust(ca_));
    local.origin.host = "localhost";
    EXPECT_EQ(once(local).body, "ok");
    const Collected wrong = once(get(peer, trust(ca_, "other.test")));
    EXPECT_TRUE(wrong.is(Kind::kTlsFailed, Phase::kTls));
    EXPECT_EQ(wrong.error->message, "certificate refused: hostname mismatch");
}

TEST_F(TlsTest, RefusesWhatItDoesNotTrust) {
    TestPeer peer(serve());
    const Collected unknown = once(get(peer, {}));
    EXPECT_TRUE(unknown.is(Kind::kTlsFailed, Phase::kTls));
    EXPECT_EQ(unknown.error->message, "certificate refused: self-signed certificate");
    EXPECT_EQ(once(get(peer, trust_all())).body, "ok");
    identity_ = make_identity("IP:127.0.0.1", -60);
    const Collected expired =
        once(get(peer, trust(write_pem(identity_, "segue_tls_test_expired.pem"))));
    EXPECT_TRUE(expired.is(Kind::kTlsFailed, Phase::kTls));
    EXPECT_EQ(expired.error->message, "certificate refused: certificate has expired");
}

TEST_F(TlsTest, ACaFileThatCannotBeRead) {
    TestPeer peer(serve());
    const Collected seen = once(get(peer, trust("/nonexistent.pem")));
    EXPECT_TRUE(seen.is(Kind::kTlsFailed, Phase::kTls));
    EXPECT_NE(seen.error->message.find("/nonexistent.pem"), std::string::npos);
}

TEST_F(TlsTest, ConnectionsAreReusedByOptions) {
    TestPeer peer(serve());
    Client client(*loop_);
    for (int i = 0; i < 3; ++i) {
        Collected seen(*loop_);
        call(client, get(peer, trust(ca_)), seen);
        EXPECT_EQ(seen.body, "ok");
        EXPECT_EQ(client.idle_connections(), 1U);
        // Session tickets may come while it is idle; they are no sign of an end.
        loop_->after(milliseconds(10), [&] { loop_->stop(); });
        loop_->run();
        EXPECT_EQ(client.idle_connections(), 1U);
    }
    EXPECT_EQ(peer.accepted(), 1);
    Collected other(*loop_);
    call(client, get(peer, trust_all()), other);
    EXPECT_EQ(other.body, "ok");
    EXPECT_EQ(peer.accepted(), 2) << "not the verified one";
}

TEST_F(TlsTest, ReusedConnectionThatEndsIsRepeated) {
    TestPeer peer({[this](PeerSocket& socket) {
                       TlsServer server(identity_, socket);
                       server.read_request();
                       server.send(kOk);
                       server.read_request();
                   },
                   serve()});
    Client client(*loop_);
    for (int i = 0; i < 2; ++i) {
        Collected seen(*loop_);
        call(client, get(peer, trust(ca_)), seen);
        EXPECT_EQ(seen.body, "ok");
    }
    EXPECT_EQ(peer.accepted(), 2);
}

TEST_F(TlsTest, LargeBodiesBothWaysWithPauses) {
    constexpr std::size_t kSize = 8 * 1024 * 1024;
    TestPeer peer([&](PeerSocket& socket) {
        TlsServer server(identity_, socket);
        server.read_request();
        server.discard(kSize);
        server.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
        server.send(std::string(kSize, 'y'));
        server.discard(1);
    });
    Client client(*loop_);
    Collected seen(*loop_);
    CallId id;
    seen.when_body = [&] {
        if (seen.pieces % 16 != 1) return;
        client.pause(id);
        loop_->after(milliseconds(1), [&] { client.resume(id); });
    };
    ClientRequest request = get(peer, trust(ca_));
    request.method = "POST";
    request.body.assign(kSize, 'x');
    id = client.start(std::move(request), seen);
    TimerId limit = loop_->after(std::chrono::seconds(20), [this] { loop_->stop(); });
    loop_->run();
    loop_->cancel(limit);
    EXPECT_FALSE(seen.error) << seen.error->message;
    EXPECT_TRUE(seen.ended);
    EXPECT_EQ(seen.body, std::string(kSize, 'y'));
}

TEST_F(TlsTest, BodyUntilCloseNeedsTheEndOfTls) {
    for (const bool proper : {true, false}) {
        TestPeer peer([&](PeerSocket& socket) {
            TlsServer server(identity_, socket);
            server.read_request();
            server.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
            if (proper) server.end();
        });
        const Collected seen = once(get(peer, trust(ca_)));
        EXPECT_EQ(seen.body, "until the end");
        EXPECT_EQ(seen.ended, proper);
        // A cut without TLS's own end may be an attacker's.
        EXPECT_TRUE(proper || seen.is(Kind::kReset, Phase::kBody));
    }
}

TEST_F(TlsTest, NotTlsAtTheOtherEnd) {
    TestPeer plain([](PeerSocket& socket) {
        socket.read();
        socket.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    EXPECT_TRUE(once(get(plain, trust(ca_))).is(Kind::kTlsFailed, Phase::kTls));
    TestPeer closes([](PeerSocket& socket) { socket.read(); });
    EXPECT_TRUE(once(get(closes, trust(ca_))).is(Kind::kTlsFailed, Phase::kTls));
    TestPeer silent([](PeerSocket& socket) {
        socket.read();
        socket.read();
    });
    ClientRequest request = get(silent, trust(ca_));
    request.deadlines.connect = milliseconds(50);
    EXPECT_TRUE(once(request).is(Kind::kTimeout, Phase::kTls));
}

}  // namespace
}  // namespace segue::net
