#include "people/jwt.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>

#include "base/base64url.hpp"

namespace segue::people {
namespace {

using Verdict = TokenKeys::Verdict;

std::string text_of(const unsigned char* bytes, std::size_t size) {
    const void* raw = bytes;
    return {static_cast<const char*>(raw), size};
}

/// A key pair of the one kind or the other.
class Signer {
public:
    explicit Signer(const char* kind, unsigned bits = 2048)
        : is_rsa_(std::string_view(kind) == "RSA"),
          key_(is_rsa_ ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits})
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")) {}
    ~Signer() { EVP_PKEY_free(key_); }
    Signer(const Signer&) = delete;
    Signer& operator=(const Signer&) = delete;

    nlohmann::json published(const char* id) const {
        if (is_rsa_)
            return {{"kty", "RSA"},
                    {"kid", id},
                    {"use", "sig"},
                    {"n", number("n")},
                    {"e", number("e")}};
        return {
            {"kty", "EC"}, {"crv", "P-256"}, {"kid", id}, {"x", number("qx")}, {"y", number("qy")}};
    }

    std::string token(const nlohmann::json& head) const {
        std::string signed_part = base64url_encode(head.dump()) + "." + base64url_encode("{}");
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_);
        unsigned char out[1024];
        std::size_t size = sizeof out;
        const void* raw = signed_part.data();
        EVP_DigestSign(context, out, &size, static_cast<const unsigned char*>(raw),
                       signed_part.size());
        EVP_MD_CTX_free(context);
        std::string signature = text_of(out, size);
        if (!is_rsa_) signature = side_by_side(signature);
        return signed_part + "." + base64url_encode(signature);
    }

private:
    std::string number(const char* name) const {
        BIGNUM* value = nullptr;
        EXPECT_EQ(EVP_PKEY_get_bn_param(key_, name, &value), 1) << name;
        const int size = is_rsa_ ? BN_num_bytes(value) : 32;
        std::string bytes(static_cast<std::size_t>(size), '\0');
        void* raw = bytes.data();
        BN_bn2binpad(value, static_cast<unsigned char*>(raw), size);
        BN_free(value);
        return base64url_encode(bytes);
    }
    static std::string side_by_side(const std::string& der) {
        const void* raw = der.data();
        const auto* at = static_cast<const unsigned char*>(raw);
        ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        unsigned char out[64];
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
        ECDSA_SIG_free(signature);
        return text_of(out, sizeof out);
    }
    bool is_rsa_;
    EVP_PKEY* key_;
};

TokenKeys keys_of(std::vector<nlohmann::json> keys) {
    return std::move(*TokenKeys::parse(nlohmann::json{{"keys", keys}}.dump()));
}

TEST(TokenKeys, CheckBothKinds) {
    const Signer rsa("RSA");
    const Signer ec("EC");
    const auto keys = keys_of({rsa.published("a"), ec.published("b")});
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys.check(rsa.token({{"alg", "RS256"}, {"kid", "a"}})), Verdict::kGood);
    EXPECT_EQ(keys.check(rsa.token({{"alg", "RS256"}})), Verdict::kGood)
        << "no name: each is tried";
    EXPECT_EQ(keys.check(ec.token({{"alg", "ES256"}, {"kid", "b"}})), Verdict::kGood);
}

TEST(TokenKeys, RefuseWhatIsNotSignedByThem) {
    const Signer rsa("RSA");
    const Signer ec("EC");
    const Signer other("EC");
    const auto keys = keys_of({rsa.published("a"), ec.published("b")});
    EXPECT_EQ(keys.check(other.token({{"alg", "ES256"}, {"kid", "b"}})), Verdict::kForged);
    EXPECT_EQ(keys.check(other.token({{"alg", "ES256"}, {"kid", "c"}})), Verdict::kUnknownKey);
    // The kind of the key decides, not what the token says of itself.
    EXPECT_EQ(keys.check(ec.token({{"alg", "RS256"}, {"kid", "b"}})), Verdict::kUnknownKey);
    for (const char* algorithm : {"none", "HS256", "RS512", "", "rs256"})
        EXPECT_EQ(keys.check(rsa.token({{"alg", algorithm}, {"kid", "a"}})), Verdict::kUnsupported)
            << algorithm;
    EXPECT_EQ(keys.check(rsa.token({{"alg", "RS256"}, {"crit", {"exp"}}})), Verdict::kUnsupported);
    std::string changed = rsa.token({{"alg", "RS256"}, {"kid", "a"}});
    changed[changed.find('.') + 1] = changed[changed.find('.') + 1] == 'e' ? 'f' : 'e';
    EXPECT_EQ(keys.check(changed), Verdict::kForged);
    for (const char* text : {"", ".", "..", "a.b.c", "e30.e30.e30", "e30.e30"})
        EXPECT_EQ(keys.check(text), Verdict::kUnsupported) << text;
    EXPECT_EQ(keys.check(base64url_encode(R"({"alg":"ES256"})") + ".e30.e30"), Verdict::kForged)
        << "no signature of that length";
}

TEST(TokenKeys, PassOverWhatIsNoKeyForThis) {
    auto weak = Signer("RSA", 1024).published("weak");
    auto encryption = Signer("RSA").published("e");
    encryption["use"] = "enc";
    auto other = Signer("RSA").published("o");
    other["alg"] = "RS512";
    auto bent = Signer("EC").published("x");
    bent["x"] = bent["y"];
    EXPECT_EQ(keys_of({weak, encryption, other, bent, {{"kty", "oct"}, {"k", "AAAA"}}, {}}).size(),
              0U);
    EXPECT_FALSE(TokenKeys::parse("[]"));
    EXPECT_FALSE(TokenKeys::parse("no JSON"));
}

}  // namespace
}  // namespace segue::people
