/// Secrets of people: tokens from the operating system's generator, and passwords by Argon2id
/// (libsodium). Neither is ever kept as it is.
///
/// Thread: any. check_password() takes a while and memory; only a few run at once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace segue::people {

/// `bytes` random bytes as one word of letters, digits, '-' and '_'.
Result<std::string> make_token(std::size_t bytes = 32);
/// What is kept of a token: SHA-256, 32 bytes. Enough for 256 random bits.
std::string token_hash(std::string_view token);

/// How hard a guess is. The usual one takes 32 MiB and some tens of milliseconds; tests take less.
enum class Hardness : std::uint8_t { kUsual, kTests };

/// Argon2id in its own notation, with salt and cost.
Result<std::string> hash_password(std::string_view password, Hardness hardness);
/// `hash` "" takes as long as a real one and says no: who asks learns nothing of who is there.
bool check_password(std::string_view hash, std::string_view password, Hardness hardness);
/// The hash was made with less than is usual now.
bool is_weak(std::string_view hash, Hardness hardness);

/// Ok, or what is wrong with it as a password of `login`.
Result<void> good_password(std::string_view password, std::string_view login);
/// One that people can read to each other over the telephone: four groups of five.
Result<std::string> make_password();

}  // namespace segue::people
