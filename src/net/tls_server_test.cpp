// What a server's certificate must be (the outside tests, tests/net/test_tls.py, show the rest).
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>

#include "net/tls.hpp"

namespace segue::net {
namespace {

using testing::HasSubstr;

/// A certificate and its key in one file, valid from and to so many seconds from now.
std::string pem(const std::string& name, long from, long to) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> x(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), from);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), to);
    X509_set_pubkey(x.get(), key.get());
    X509_sign(x.get(), key.get(), EVP_sha256());
    const std::string path = testing::TempDir() + name;
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, x.get());
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return path;
}

ServerTls files(const std::string& certificate, const std::string& key) {
    ServerTls out;
    out.certificate = certificate;
    out.key = key;
    return out;
}

std::string problem(const std::string& certificate, const std::string& key) {
    const auto context = TlsContext::serve(files(certificate, key));
    return context ? "" : context.error().detail;
}

TEST(TlsServerContext, TakesWhatIsValidNow) {
    const std::string file = pem("good.pem", -60, 3600);
    const auto context = TlsContext::serve(files(file, file));
    ASSERT_TRUE(context.has_value()) << context.error().detail;
    EXPECT_NEAR(static_cast<double>((*context)->expires()),
                static_cast<double>(std::time(nullptr) + 3600), 60);
}

TEST(TlsServerContext, RefusesWhatIsNotValidNow) {
    const std::string old = pem("old.pem", -7200, -60);
    EXPECT_THAT(problem(old, old), HasSubstr("expired on 20"));
    const std::string early = pem("early.pem", 3600, 7200);
    EXPECT_THAT(problem(early, early), HasSubstr("is not valid before 20"));
}

TEST(TlsServerContext, SaysWhichFileIsWrong) {
    const std::string one = pem("one.pem", -60, 3600);
    const std::string two = pem("two.pem", -60, 3600);
    EXPECT_THAT(problem(one, two), HasSubstr("two.pem does not belong to the certificate"));
    EXPECT_THAT(problem("/nowhere.pem", one),
                HasSubstr("cannot read the certificate /nowhere.pem (No such file"));
    EXPECT_THAT(problem(one, "/nowhere.key"), HasSubstr("cannot read the key /nowhere.key"));
}

}  // namespace
}  // namespace segue::net
