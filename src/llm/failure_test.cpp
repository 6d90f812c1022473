#include "llm/failure.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm/declarations.hpp"

namespace segue::llm {
namespace {

using Cause = Failure::Cause;

std::string header(const RenderedFailure& rendered, const std::string& name) {
    for (const auto& [key, value] : rendered.headers)
        if (key == name) return value;
    return "";
}

TEST(Failure, StatusesOfTheTableOfEachFront) {
    const auto statuses = [](Failure failure) {
        return std::array{failure_status(Dialect::kOllama, failure),
                          failure_status(Dialect::kOpenAi, failure),
                          failure_status(Dialect::kAnthropic, failure)};
    };
    EXPECT_EQ(statuses({Cause::kModelNotFound, "x"}), (std::array{404, 404, 404}));
    EXPECT_EQ(statuses({Cause::kEngineRefused, "x", 422}), (std::array{422, 422, 422}));
    EXPECT_EQ(statuses({Cause::kEngineAuth, "x", 401}), (std::array{502, 502, 502}));
    EXPECT_EQ(statuses({Cause::kQueueFull, "x"}), (std::array{503, 503, 529}));
    EXPECT_EQ(statuses({Cause::kUnreachable, "x"}), (std::array{503, 503, 529}));
    EXPECT_EQ(statuses({Cause::kEngineFailed, "x", 503}), (std::array{503, 503, 529}));
    EXPECT_EQ(statuses({Cause::kEngineFailed, "x", 200}), (std::array{502, 502, 502}));
    EXPECT_EQ(statuses({Cause::kTimeout, "x"}), (std::array{504, 504, 504}));
}

TEST(Failure, OllamaSaysTheTextAlone) {
    const auto rendered =
        render_failure(Dialect::kOllama, {Cause::kModelNotFound, "model 'nope' not found"}, "1");
    EXPECT_EQ(rendered.status, 404);
    EXPECT_EQ(rendered.content_type, "application/json; charset=utf-8");
    EXPECT_EQ(rendered.body, R"({"error":"model 'nope' not found"})");
    EXPECT_EQ(render_failure(Dialect::kOllama, {Cause::kUnauthorized, "give a key"}, "").body,
              R"({"error":"unauthorized"})");
    EXPECT_EQ(render_failure(Dialect::kOllama, {Cause::kNotFound, ""}, "").body,
              "404 page not found");
    const auto full = render_failure(Dialect::kOllama, {Cause::kQueueFull, "full"}, "");
    EXPECT_EQ(full.body, R"({"error":"server busy, please try again.  maximum pending requests )"
                         R"(exceeded"})");
    EXPECT_EQ(header(full, "Retry-After"), "1");
}

TEST(Failure, OpenAiHasTypeParamAndCode) {
    const auto rendered =
        render_failure(Dialect::kOpenAi, {Cause::kModelNotFound, "no \"x\""}, "1");
    EXPECT_EQ(rendered.body,
              R"({"error":{"message":"no \"x\"","type":"invalid_request_error","param":"model",)"
              R"("code":"model_not_found"}})");
    Failure engine{Cause::kEngineRefused, "top_p must be", 400};
    engine.type = "BadRequestError";
    engine.param = "top_p";
    engine.code = "400";
    EXPECT_EQ(render_failure(Dialect::kOpenAi, engine, "1").body,
              R"({"error":{"message":"top_p must be","type":"BadRequestError","param":"top_p",)"
              R"("code":400}})");
    Failure last{Cause::kUnreachable, "gone"};
    last.last_word = true;
    EXPECT_EQ(header(render_failure(Dialect::kOpenAi, last, "1"), "x-should-retry"), "false");
    EXPECT_EQ(header(render_failure(Dialect::kOllama, last, "1"), "x-should-retry"), "");
}

TEST(Failure, AnthropicHasARequestId) {
    const auto rendered =
        render_failure(Dialect::kAnthropic, {Cause::kModelNotFound, "model 'nope' not found"},
                       "1fcef17b439833523d2c3586");
    EXPECT_EQ(rendered.body,
              R"({"type":"error","error":{"type":"not_found_error","message":"model 'nope' not )"
              R"(found"},"request_id":"req_1fcef17b439833523d2c3586"})");
    Failure limited{Cause::kRateLimited, "slow down", 429};
    limited.retry_after = std::chrono::seconds(7);
    const auto later = render_failure(Dialect::kAnthropic, limited, "");
    EXPECT_EQ(later.status, 429);
    EXPECT_EQ(header(later, "Retry-After"), "7");
    EXPECT_EQ(nlohmann::json::parse(later.body)["error"]["type"], "rate_limit_error");
}

TEST(Failure, TooLongInEachFrontsWords) {
    Failure failure{Cause::kContextTooLong, "This model's maximum context length is 1024 tokens."};
    failure.prompt_tokens = 2000;
    failure.limit_tokens = 1024;
    const auto message = [&](Dialect front) {
        const auto body = nlohmann::json::parse(render_failure(front, failure, "").body);
        return front == Dialect::kOllama ? body["error"].get<std::string>()
                                         : body["error"]["message"].get<std::string>();
    };
    EXPECT_EQ(message(Dialect::kOllama), "the input length exceeds the context length");
    EXPECT_EQ(message(Dialect::kOpenAi), failure.message);
    EXPECT_EQ(message(Dialect::kAnthropic), "prompt is too long: 2000 tokens > 1024 maximum");
    failure.prompt_tokens.reset();
    failure.limit_tokens.reset();
    failure.message = "request (9014 tokens) exceeds the available context size (1024 tokens), try";
    EXPECT_EQ(message(Dialect::kAnthropic), "prompt is too long: 9014 tokens > 1024 maximum");
}

TEST(Failure, InsideAStream) {
    const Failure failure{Cause::kBroken, "cut\noff"};
    EXPECT_EQ(render_stream_failure(Dialect::kOllama, failure, ""), "{\"error\":\"cut\\noff\"}\n");
    EXPECT_EQ(render_stream_failure(Dialect::kOpenAi, failure, ""),
              "data: {\"error\":{\"message\":\"cut\\noff\",\"type\":\"server_error\",\"param\":"
              "null,\"code\":\"upstream_failed\"}}\n\n");
    EXPECT_EQ(render_stream_failure(Dialect::kAnthropic, failure, "a"),
              "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
              "\"message\":\"cut\\noff\"}}\n\n");
}

TEST(Declarations, OnceEachInOrderAndSafeForAHeader) {
    Declarations declared;
    declared.ignore("num_gpu", Loss::kHint);
    declared.ignore("typical_p", Loss::kSemantic);
    declared.ignore("num_gpu", Loss::kHint);
    declared.adjust("stop");
    EXPECT_EQ(declared.ignored_header(), "num_gpu, typical_p");
    EXPECT_EQ(declared.adjusted_header(), "stop");
    ASSERT_TRUE(declared.strict_refusal());
    EXPECT_NE(declared.strict_refusal()->message.find("typical_p"), std::string::npos);
    EXPECT_EQ(declared.strict_refusal()->message.find("num_gpu"), std::string::npos);
    Declarations odd;
    odd.ignore("a\r\nX-Evil: 1", Loss::kHint);
    EXPECT_EQ(odd.ignored_header(), "a??X-Evil: 1");
    EXPECT_FALSE(odd.strict_refusal());
}

}  // namespace
}  // namespace segue::llm
