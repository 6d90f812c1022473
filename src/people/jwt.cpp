#include "people/jwt.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <utility>

#include "base/base64url.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::people {
namespace {

constexpr std::size_t kCoordinate = 32;  // bytes of P-256
constexpr int kLeastRsaBits = 2048;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
    void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) {
    const void* raw = text.data();
    return static_cast<const unsigned char*>(raw);
}

Owned<BIGNUM> number_of(std::string_view bytes) {
    return Owned<BIGNUM>(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

Owned<EVP_PKEY> make_key(const char* kind, OSSL_PARAM_BLD* builder) {
    const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* made = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return nullptr;
    return Owned<EVP_PKEY>(made);
}

Owned<EVP_PKEY> rsa_key(json::Value jwk) {
    const auto n = base64url_decode(jwk["n"].string());
    const auto e = base64url_decode(jwk["e"].string());
    if (!n || !e) return nullptr;
    const auto modulus = number_of(*n);
    const auto exponent = number_of(*e);
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    if (!modulus || !exponent || !builder || BN_num_bits(modulus.get()) < kLeastRsaBits ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    return make_key("RSA", builder.get());
}

Owned<EVP_PKEY> p256_key(json::Value jwk) {
    const auto x = base64url_decode(jwk["x"].string());
    const auto y = base64url_decode(jwk["y"].string());
    if (jwk["crv"].string() != "P-256" || !x || !y || x->size() != kCoordinate ||
        y->size() != kCoordinate)
        return nullptr;
    const std::string point = "\x04" + *x + *y;  // uncompressed
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1)
        return nullptr;
    return make_key("EC", builder.get());
}

/// A JWS has r and s side by side, OpenSSL wants them as ASN.1.
std::string as_der(std::string_view signature) {
    if (signature.size() != 2 * kCoordinate) return {};
    const Owned<ECDSA_SIG> made(ECDSA_SIG_new());
    auto r = number_of(signature.substr(0, kCoordinate));
    auto s = number_of(signature.substr(kCoordinate));
    if (!made || !r || !s || ECDSA_SIG_set0(made.get(), r.get(), s.get()) != 1) return {};
    (void)r.release(), (void)s.release();  // they are the signature's now
    unsigned char* out = nullptr;
    const int length = i2d_ECDSA_SIG(made.get(), &out);
    if (length <= 0) return {};
    const void* raw = out;
    std::string der(static_cast<const char*>(raw), static_cast<std::size_t>(length));
    OPENSSL_free(out);
    return der;
}

bool verify(EVP_PKEY* key, std::string_view message, std::string_view signature) {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                            message.size()) == 1;
}

}  // namespace

struct TokenKeys::Key {
    std::string id;         // "" = it has none
    std::string algorithm;  // RS256, ES256
    Owned<EVP_PKEY> key;
};

TokenKeys::TokenKeys() = default;
TokenKeys::TokenKeys(TokenKeys&&) noexcept = default;
TokenKeys& TokenKeys::operator=(TokenKeys&&) noexcept = default;
TokenKeys::~TokenKeys() = default;

Result<TokenKeys> TokenKeys::parse(std::string_view jwks) {
    json::Parser parser;
    const auto root = parser.parse(jwks);
    if (!root || !(*root)["keys"].is_array())
        return fail(Fault::kInvalid, "it is no set of keys (JWKS)", "oidc");
    TokenKeys out;
    for (const auto jwk : (*root)["keys"]) {
        const std::string_view use = jwk["use"].string("sig");
        const std::string_view kind = jwk["kty"].string();
        if (use != "sig") continue;
        auto made = std::make_unique<Key>();
        made->id = jwk["kid"].string();
        made->algorithm = kind == "RSA" ? "RS256" : kind == "EC" ? "ES256" : "";
        const std::string_view algorithm = jwk["alg"].string(made->algorithm);
        if (made->algorithm.empty() || algorithm != made->algorithm) continue;
        made->key = kind == "RSA" ? rsa_key(jwk) : p256_key(jwk);
        if (made->key) out.keys_.push_back(std::move(made));
    }
    return out;
}

TokenKeys::Verdict TokenKeys::check(std::string_view token) const {
    const auto parts = split(token, '.');
    if (parts.size() != 3) return Verdict::kUnsupported;
    const auto header = base64url_decode(parts[0]);
    auto signature = base64url_decode(parts[2]);
    json::Parser parser;
    const auto root = parser.parse(header.value_or(""));
    if (!root || !root->is_object() || !signature) return Verdict::kUnsupported;
    const std::string_view algorithm = (*root)["alg"].string();
    if ((algorithm != "RS256" && algorithm != "ES256") || !(*root)["crit"].absent())
        return Verdict::kUnsupported;
    if (algorithm == "ES256") {
        signature = as_der(*signature);
        if (signature->empty()) return Verdict::kForged;
    }
    const std::string_view message = token.substr(0, parts[0].size() + 1 + parts[1].size());
    const std::string_view id = (*root)["kid"].string();
    bool tried = false;
    for (const auto& key : keys_) {
        if (key->algorithm != algorithm || (!id.empty() && !key->id.empty() && key->id != id))
            continue;
        tried = true;
        if (verify(key->key.get(), message, *signature)) return Verdict::kGood;
    }
    return tried ? Verdict::kForged : Verdict::kUnknownKey;
}

}  // namespace segue::people
