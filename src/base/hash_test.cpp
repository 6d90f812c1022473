#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>

namespace segue {
namespace {

TEST(Hash, LengthsAndSeedsTell) {
    std::set<std::uint64_t> seen;
    for (std::size_t length = 0; length < 64; ++length) {
        EXPECT_TRUE(seen.insert(hash64(std::string(length, '\0'))).second) << length;
        EXPECT_TRUE(seen.insert(hash64(std::string(length, '\0'), 1)).second) << length;
    }
}

TEST(Hash, EveryBitMatters) {
    // One bit of the input flips about half of the output: 32 of 64 on average.
    double flipped = 0;
    int count = 0;
    for (std::size_t length : {1U, 7U, 8U, 9U, 40U}) {
        const std::string text(length, 'x');
        for (std::size_t bit = 0; bit < length * 8; ++bit) {
            std::string other = text;
            other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
            const int distance = std::popcount(hash64(text) ^ hash64(other));
            EXPECT_GT(distance, 8) << length << " bit " << bit;
            flipped += distance;
            ++count;
        }
    }
    EXPECT_NEAR(flipped / count, 32, 1);
}

TEST(Hash, IsTheSameEverywhere) {
    // Replicas of another build must send a conversation to the same engine: this must not change.
    EXPECT_EQ(hash64(""), 0xD8A310150DF90781U);
    EXPECT_EQ(hash64("segue"), 0x47F11EE5CAE6C2DU);
    EXPECT_EQ(hash64("a conversation"), 0x9A5D528DB4E2BC54U);
}

}  // namespace
}  // namespace segue
