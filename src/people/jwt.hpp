/// Signatures of identity tokens: a compact JWS (RFC 7515) by RS256 or ES256, checked against the
/// provider's published keys (JWKS, RFC 7517). Nothing else is accepted: no "none", no secret that
/// both sides share, no critical extension.
///
/// Thread: values and pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace segue::people {

/// The public keys of a provider that can sign tokens.
class TokenKeys {
public:
    /// Keys that are for something else, or of a kind that Segue does not check, are passed over.
    static Result<TokenKeys> parse(std::string_view jwks);
    TokenKeys(TokenKeys&&) noexcept;
    TokenKeys& operator=(TokenKeys&&) noexcept;
    ~TokenKeys();

    std::size_t size() const { return keys_.size(); }

    enum class Verdict : std::uint8_t {
        kGood,
        kForged,       // the signature is not one of the key that it names
        kUnknownKey,   // the key is not among these: the provider may have new ones
        kUnsupported,  // no token of a kind that is accepted
    };
    Verdict check(std::string_view token) const;

private:
    struct Key;
    TokenKeys();
    std::vector<std::unique_ptr<Key>> keys_;
};

}  // namespace segue::people
