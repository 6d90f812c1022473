/// Ed25519 (RFC 8032) signatures, and the keys of this installation. OpenSSL does the arithmetic.
///
/// A private key lies in one file of its own in DATA_DIR/signing-keys, readable by its owner only;
/// a file that others can read is refused, as ssh does. Blocking; any thread; values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace segue::evidence {

class PublicKey {
public:
    static constexpr std::size_t kSize = 32;

    explicit PublicKey(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}
    /// "ed25519:" and base64; as text() writes it.
    static Result<PublicKey> parse(std::string_view text);
    std::string text() const;
    /// The first 16 hex digits of the SHA-256 of its 32 bytes: to tell keys apart, not to trust
    /// them.
    std::string id() const;
    /// `signature`: 64 bytes.
    bool verifies(std::string_view message, std::string_view signature) const;
    bool operator==(const PublicKey&) const = default;

private:
    std::array<std::uint8_t, kSize> bytes_;
};

/// Holds the secret; wiped when it goes.
class SigningKey {
public:
    static constexpr std::size_t kSize = 32;

    static Result<SigningKey> generate();
    /// The 32 bytes that RFC 8032 calls the private key.
    static Result<SigningKey> from_seed(std::string_view seed);
    SigningKey(const SigningKey&) = delete;
    SigningKey& operator=(const SigningKey&) = delete;
    SigningKey(SigningKey&& other) noexcept;
    SigningKey& operator=(SigningKey&& other) noexcept;
    ~SigningKey();

    const PublicKey& public_key() const { return public_; }
    /// 64 bytes.
    Result<std::string> sign(std::string_view message) const;
    std::string_view seed() const;

private:
    SigningKey(const std::array<std::uint8_t, kSize>& seed, const PublicKey& key)
        : seed_(seed), public_(key) {}
    std::array<std::uint8_t, kSize> seed_;
    PublicKey public_;
};

/// What is known of a kept key without its secret.
struct KeyFacts {
    std::string id;
    std::string name;
    PublicKey key;
    std::string created;  // RFC 3339
};

struct NamedKey {
    KeyFacts facts;
    SigningKey key;
};

/// The keys of a data directory.
class SigningKeys {
public:
    explicit SigningKeys(const std::string& data_dir) : folder_(data_dir + "/signing-keys") {}

    /// A name that is taken is refused.
    Result<KeyFacts> create(const std::string& name, WallTime now) const;
    /// Oldest first; none when the folder is not there.
    Result<std::vector<KeyFacts>> list() const;
    /// By id or name; "" = the newest.
    Result<NamedKey> open(std::string_view who) const;
    const std::string& folder() const { return folder_; }

private:
    std::string folder_;
};

}  // namespace segue::evidence
