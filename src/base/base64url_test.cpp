#include "base/base64url.hpp"

#include <gtest/gtest.h>

namespace segue {
namespace {

TEST(Base64Url, GoesThereAndBackAtEveryLength) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        const std::string text = base64url_encode(bytes);
        EXPECT_EQ(text.find_first_of("+/="), std::string::npos) << text;
        EXPECT_EQ(base64url_decode(text), bytes);
        bytes += static_cast<char>(255 - i % 256);
    }
    EXPECT_EQ(base64url_encode("\xfb\xff\xbf"), "-_-_");
}

TEST(Base64Url, RefusesWhatIsNone) {
    EXPECT_FALSE(base64url_decode("a b"));
    EXPECT_FALSE(base64url_decode("a"));
}

}  // namespace
}  // namespace segue
