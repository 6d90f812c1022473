#include "people/secret.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <semaphore>
#include <vector>

#include "base/check.hpp"
#include "base/text.hpp"

namespace segue::people {
namespace {

constexpr std::size_t kLeastPassword = 12;
constexpr std::size_t kMostPassword = 1024;
// Each takes kUsual's memory: a flood of sign-ins waits here.
constexpr std::ptrdiff_t kAtOnce = 2;

struct Cost {
    unsigned long long operations;
    std::size_t memory;
};

Cost cost(Hardness hardness) {
    return hardness == Hardness::kUsual
               ? Cost{3, 32UL * 1024 * 1024}
               : Cost{crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN};
}

std::counting_semaphore<kAtOnce>& turn() {
    static std::counting_semaphore<kAtOnce> one(kAtOnce);
    return one;
}

void ready() {
    static const int state = sodium_init();
    SEGUE_CHECK(state >= 0);
}

std::string hash_now(std::string_view password, Hardness hardness) {
    const Cost price = cost(hardness);
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), price.operations,
                              price.memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return {};
    return out.data();
}

}  // namespace

Result<std::string> make_token(std::size_t bytes) {
    ready();
    std::vector<unsigned char> raw(bytes);
    randombytes_buf(raw.data(), raw.size());
    std::string out(sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                    '\0');
    sodium_bin2base64(out.data(), out.size(), raw.data(), raw.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out.pop_back();  // its final NUL
    return out;
}

std::string token_hash(std::string_view token) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    std::vector<unsigned char> bytes(token.begin(), token.end());
    crypto_hash_sha256(hash.data(), bytes.data(), bytes.size());
    return std::string(hash.begin(), hash.end());
}

Result<std::string> hash_password(std::string_view password, Hardness hardness) {
    ready();
    turn().acquire();
    std::string hash = hash_now(password, hardness);
    turn().release();
    if (hash.empty())
        return fail(Fault::kIo, "there is not enough memory to hash a password (32 MiB); try again",
                    "people");
    return hash;
}

bool check_password(std::string_view hash, std::string_view password, Hardness hardness) {
    ready();
    static const std::array nobody{hash_now("nobody's password", Hardness::kUsual),
                                   hash_now("nobody's password", Hardness::kTests)};
    const std::string against(
        hash.empty() ? std::string_view(nobody[static_cast<std::size_t>(hardness)]) : hash);
    turn().acquire();
    const bool right =
        crypto_pwhash_str_verify(against.c_str(), password.data(), password.size()) == 0;
    turn().release();
    return right && !hash.empty();
}

bool is_weak(std::string_view hash, Hardness hardness) {
    ready();
    const Cost price = cost(hardness);
    return crypto_pwhash_str_needs_rehash(std::string(hash).c_str(), price.operations,
                                          price.memory) != 0;
}

Result<void> good_password(std::string_view password, std::string_view login) {
    if (password.size() < kLeastPassword || password.size() > kMostPassword)
        return fail(Fault::kInvalid,
                    fmt::format("a password has {} to {} bytes; take a few words that nobody else "
                                "would put together",
                                kLeastPassword, kMostPassword),
                    "people");
    const std::string lower = to_lower(password);
    const bool one_character =
        std::all_of(lower.begin(), lower.end(), [&](char c) { return c == lower[0]; });
    const bool login_again = login.size() >= 3 && lower.starts_with(to_lower(login)) &&
                             lower.size() < login.size() + kLeastPassword / 2;
    if (one_character || login_again || lower.starts_with("passwordpassword") ||
        lower.starts_with("123456789012"))
        return fail(
            Fault::kInvalid,
            "that password is among the first that anybody would try; take a few words that "
            "nobody else would put together",
            "people");
    return {};
}

Result<std::string> make_password() {
    ready();
    // Without what looks alike: l 1 i, o 0, u v.
    constexpr std::string_view kLetters = "abcdefghjkmnpqrstwxyz23456789";
    std::string out;
    for (int i = 0; i < 20; ++i) {
        if (i % 5 == 0 && i > 0) out += '-';
        out += kLetters[randombytes_uniform(static_cast<std::uint32_t>(kLetters.size()))];
    }
    return out;
}

}  // namespace segue::people
