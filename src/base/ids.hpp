/// Random identifiers and deterministic pseudo-randomness. Ids are for telling things apart; they
/// are not secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace segue {

/// xoshiro256**; the same seed gives the same sequence on every machine.
class Random {
public:
    explicit Random(std::uint64_t seed);
    std::uint64_t next();
    /// Uniform in [0, 1).
    double uniform();
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);

private:
    std::uint64_t state_[4];
};

/// From the operating system's generator.
std::uint64_t random_seed();
/// Letters and digits, from a generator of the calling thread.
std::string random_alphanumeric(std::size_t length);
std::string random_hex(std::size_t length);

}  // namespace segue
