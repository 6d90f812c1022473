#include "base/time_text.hpp"

#include <gtest/gtest.h>

namespace segue {
namespace {

TEST(TimeText, ReadsWhatRfc3339Writes) {
    const WallTime at{std::chrono::seconds(1'795'540'000)};
    EXPECT_EQ(parse_rfc3339(rfc3339(at)), at);
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), WallTime{});
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:01:00.999Z"), WallTime{std::chrono::minutes(1)});
    EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:00Z"), WallTime{std::chrono::minutes(-1)});
    EXPECT_TRUE(parse_rfc3339("1678-01-01T00:00:00Z") && parse_rfc3339("2261-12-31T23:59:59Z"));
}

TEST(TimeText, RefusesWhatIsNoTimeOrDoesNotFit) {
    for (const auto* text :
         {"", "Z", "2026-11-24", "2026-11-24T18:30:00", "2026-11-24T18:30:00+01:00",
          "2026-13-24T18:30:00Z", "1026-11-24T18:30:00Z", "0001-01-01T00:00:00Z",
          "9999-12-31T23:59:59Z", "2026-02-31T00:00:00Z", "2026-11-24T24:00:00Z",
          "2026-11-24T18:30:00 Z", "2026-11-24T18:30:00.5xZ"})
        EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace segue
