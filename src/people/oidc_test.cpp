#include "people/oidc.hpp"

#include <gtest/gtest.h>

namespace segue::people {
namespace {

TEST(Oidc, AnIssuerWithoutTlsIsForThisMachineOnly) {
    const auto good = [](const std::string& issuer, const std::string& client = "segue") {
        OidcConfig config;
        config.issuer = issuer;
        config.client_id = client;
        return good_oidc(config).has_value();
    };
    EXPECT_TRUE(good("https://login.example/realm"));
    EXPECT_TRUE(good("http://127.0.0.1:8080/realm"));
    EXPECT_TRUE(good("http://localhost:8080"));
    EXPECT_FALSE(good("http://login.example"));
    EXPECT_FALSE(good("login.example"));
    EXPECT_FALSE(good("https://login.example", ""));
}

TEST(Oidc, ValuesAreEncoded) {
    EXPECT_EQ(percent_encode("a b/ü&=~"), "a%20b%2F%C3%BC%26%3D~");
}

}  // namespace
}  // namespace segue::people
