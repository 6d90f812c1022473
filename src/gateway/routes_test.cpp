#include "gateway/routes.hpp"

#include <gtest/gtest.h>

namespace segue::gateway {
namespace {

using Match = Route::Match;

TEST(Routes, FindsFrontAndEndpoint) {
    EXPECT_EQ(find_route("POST", "/api/chat").endpoint, Endpoint::kChat);
    EXPECT_EQ(find_route("POST", "/v1/messages").front, llm::Dialect::kAnthropic);
    EXPECT_EQ(find_route("POST", "/v1/messages/count_tokens").endpoint, Endpoint::kCountTokens);
    const Route model = find_route("GET", "/v1/models/a%2Fb:c");
    EXPECT_EQ(model.endpoint, Endpoint::kOpenAiModel);
    EXPECT_EQ(model.rest, "a%2Fb:c");
    EXPECT_EQ(find_route("GET", "/metrics").endpoint, Endpoint::kOwn);
    EXPECT_EQ(front_name(find_route("GET", "/livez")), "segue");
    EXPECT_EQ(find_route("GET", "/ui").endpoint, Endpoint::kOwn);
    EXPECT_EQ(find_route("GET", "/ui/chat/c_1").endpoint, Endpoint::kOwn);
    EXPECT_EQ(find_route("GET", "/uix").match, Match::kNoSuchPath);
}

TEST(Routes, HeadIsGetWithoutBody) {
    EXPECT_EQ(find_route("HEAD", "/v1/models").match, Match::kFound);
    EXPECT_EQ(find_route("HEAD", "/api/chat").match, Match::kWrongMethod);
    EXPECT_EQ(find_route("HEAD", "/api/blobs/sha256:00").match, Match::kFound);
}

TEST(Routes, RefusalsKnowTheirDialect) {
    const Route wrong = find_route("GET", "/api/chat");
    EXPECT_EQ(wrong.match, Match::kWrongMethod);
    EXPECT_EQ(wrong.allow, "POST");
    EXPECT_EQ(find_route("GET", "/api/nope").match, Match::kNoSuchPath);
    EXPECT_EQ(find_route("GET", "/v1/nope").front, llm::Dialect::kOpenAi);
    EXPECT_EQ(find_route("GET", "/v1/messages/nope").front, llm::Dialect::kAnthropic);
    EXPECT_EQ(find_route("GET", "/api/tags/").match, Match::kRedirect);
    EXPECT_EQ(find_route("POST", "/api/tags/").match, Match::kNoSuchPath);
}

}  // namespace
}  // namespace segue::gateway
