#include "base/hash.hpp"

#include <bit>
#include <cstring>

namespace segue {
namespace {

// The primes and the round of XXH64 (Yann Collet), eight bytes a step.
constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;

std::uint64_t word_at(const char* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

std::uint64_t absorb(std::uint64_t hash, std::uint64_t word) {
    word = std::rotl(word * kPrime2, 31) * kPrime1;
    return std::rotl(hash ^ word, 27) * kPrime1 + kPrime4;
}

}  // namespace

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
    std::uint64_t hash = seed * kPrime1 + kPrime3 + bytes.size();
    while (bytes.size() >= sizeof(std::uint64_t)) {
        hash = absorb(hash, word_at(bytes.data(), sizeof(std::uint64_t)));
        bytes.remove_prefix(sizeof(std::uint64_t));
    }
    if (!bytes.empty()) hash = absorb(hash, word_at(bytes.data(), bytes.size()));
    hash = (hash ^ (hash >> 33)) * kPrime2;
    hash = (hash ^ (hash >> 29)) * kPrime3;
    return hash ^ (hash >> 32);
}

}  // namespace segue
