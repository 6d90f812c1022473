#include "base/ids.hpp"

#include <sys/random.h>

#include <random>
#include <string_view>

#include "base/check.hpp"

namespace segue {
namespace {

std::uint64_t rotate_left(std::uint64_t value, int by) {
    return (value << by) | (value >> (64 - by));
}

/// splitmix64, the seeding that xoshiro's authors recommend.
std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

Random& thread_random() {
    thread_local Random random{random_seed()};
    return random;
}

}  // namespace

Random::Random(std::uint64_t seed) {
    for (auto& word : state_)
        word = split_mix(seed);
}

std::uint64_t Random::next() {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
}

double Random::uniform() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::uint64_t Random::below(std::uint64_t bound) {
    SEGUE_ASSERT(bound > 0);
    return next() % bound;
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = std::random_device{}();
    return seed;
}

std::string random_alphanumeric(std::size_t length) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string out(length, '\0');
    for (auto& c : out)
        c = kAlphabet[thread_random().below(kAlphabet.size())];
    return out;
}

std::string random_hex(std::size_t length) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out(length, '0');
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < length; ++i) {
        bits = i % 16 == 0 ? thread_random().next() : bits >> 4;
        out[i] = kDigits[bits & 15];
    }
    return out;
}

}  // namespace segue
