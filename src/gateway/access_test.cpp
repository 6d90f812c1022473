#include "gateway/access.hpp"

#include <gtest/gtest.h>

namespace segue::gateway {
namespace {

TEST(Access, OriginsAreOllamasAndConfiguredOnes) {
    GatewayConfig config;
    for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "app://obsidian.md",
                               "tauri://localhost", "vscode-webview://x"})
        EXPECT_TRUE(origin_allowed(origin, config)) << origin;
    for (const char* origin : {"https://evil.example", "http://localhost.evil.example", "null"})
        EXPECT_FALSE(origin_allowed(origin, config)) << origin;
    config.allowed_origins = {"https://*.example.com"};
    EXPECT_TRUE(origin_allowed("https://chat.example.com", config));
}

TEST(Access, ThePageOfSegueItselfHasItsOrigin) {
    EXPECT_TRUE(same_origin("http://chat.acme.example:8484", "chat.acme.example:8484"));
    EXPECT_TRUE(same_origin("https://Chat.acme.example", "chat.acme.example"));
    EXPECT_FALSE(same_origin("http://evil.example", "chat.acme.example:8484"));
    EXPECT_FALSE(same_origin("http://chat.acme.example", "chat.acme.example:8484"));
    EXPECT_FALSE(same_origin("null", "null"));
    EXPECT_FALSE(same_origin("http://", ""));
}

TEST(Access, ABrowserAsksForHtmlByName) {
    EXPECT_TRUE(wants_page({{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}}));
    EXPECT_FALSE(wants_page({{"Accept", "*/*"}}));
    EXPECT_FALSE(wants_page({}));
}

TEST(Access, HostsAreLocalOnes) {
    for (const char* host :
         {"localhost", "localhost:8484", "127.0.0.1:8484", "[::1]:8484", "10.1.2.3",
          "192.168.0.9:1", "172.16.0.1", "box.local", "x.internal", "a.localhost:80", ""})
        EXPECT_TRUE(host_allowed(host)) << host;
    for (const char* host :
         {"evil.example", "evil.example:8484", "8.8.8.8", "172.32.0.1", "[2001:db8::1]", "[",
          "127.0.0.1.evil.example", "localhost.evil.example"})
        EXPECT_FALSE(host_allowed(host)) << host;
}

TEST(Access, KeysInEitherHeader) {
    const auto key = [](net::Headers headers) { return std::string(given_key(headers)); };
    EXPECT_EQ(key({}), "");
    EXPECT_EQ(key({{"Authorization", "Bearer secret"}}), "secret");
    EXPECT_EQ(key({{"authorization", "bearer  secret "}}), "secret");
    EXPECT_EQ(key({{"X-Api-Key", "a"}}), "a");
    EXPECT_EQ(key({{"Authorization", "Basic secret"}}), "");
    EXPECT_EQ(key({{"Authorization", "Basic secret"}, {"x-api-key", "a"}}), "a");
}

TEST(Access, PreflightEchoesWhatWasAskedFor) {
    const auto headers =
        preflight_headers("http://localhost:3000", "content-type, x-api-key, bad\nname");
    const auto allowed = std::string(*headers.find("Access-Control-Allow-Headers"));
    EXPECT_NE(allowed.find(",x-api-key"), std::string::npos);
    EXPECT_EQ(allowed.find("bad"), std::string::npos);
    EXPECT_EQ(headers.find("Access-Control-Max-Age"), "43200");
}

}  // namespace
}  // namespace segue::gateway
