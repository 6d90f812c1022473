#include "llm/openai/front/encode.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;

Timings at_second(std::int64_t seconds) {
    Timings timings;
    timings.now.wall = WallTime(std::chrono::seconds(seconds));
    return timings;
}

std::string encoded(ResponseEncoder& encoder, const Events& events) {
    std::string out;
    std::int64_t second = 1'000;
    // One event at a time, a second apart: `created` must not move.
    for (const Event& event : events)
        EXPECT_FALSE(encoder.encode({event}, at_second(second++), out));
    return out;
}

/// The data of each event; "[DONE]" last.
std::vector<std::string> data_of(std::string_view stream) {
    std::vector<std::string> all;
    while (!stream.empty()) {
        const std::size_t end = stream.find("\n\n");
        EXPECT_NE(end, std::string_view::npos);
        EXPECT_TRUE(stream.starts_with("data: "));
        all.emplace_back(stream.substr(6, end - 6));
        stream.remove_prefix(end + 2);
    }
    return all;
}

Usage usage(std::int64_t prompt, std::int64_t completion) {
    Usage made;
    made.prompt_tokens = prompt;
    made.completion_tokens = completion;
    return made;
}

OpenAiAnswerOptions mine() {
    OpenAiAnswerOptions options;
    options.model = "Mine";
    return options;
}

// C81, C82
TEST(OpenAiChatStream, RoleContentFinishUsageDone) {
    OpenAiAnswerOptions options = mine();
    options.include_usage = true;
    auto encoder = make_openai_chat_stream_encoder(options);
    const auto data = data_of(encoded(
        *encoder, {Started{}, Text{"Pa"}, Text{"ris"}, usage(24, 11), Finished{}, Ended{}}));
    ASSERT_EQ(data.size(), 6U);
    std::vector<Json> chunks;
    for (std::size_t i = 0; i + 1 < data.size(); ++i)
        chunks.push_back(Json::parse(data[i]));
    EXPECT_EQ(chunks[0]["choices"].dump(),
              R"([{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}])");
    EXPECT_EQ(chunks[1]["choices"][0]["delta"].dump(), R"({"content":"Pa"})");
    EXPECT_EQ(chunks[3]["choices"].dump(), R"([{"index":0,"delta":{},"finish_reason":"stop"}])");
    EXPECT_EQ(chunks[4]["choices"].dump(), "[]");
    EXPECT_EQ(chunks[4]["usage"].dump(),
              R"({"prompt_tokens":24,"completion_tokens":11,"total_tokens":35})");
    EXPECT_EQ(data[5], "[DONE]");
    for (const Json& chunk : chunks) {
        EXPECT_EQ(chunk["id"], chunks[0]["id"]);
        EXPECT_EQ(chunk["created"], chunks[0]["created"]);
        EXPECT_EQ(chunk["model"], "Mine");
        EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    }
    EXPECT_EQ(chunks[0]["id"].get<std::string>().size(), std::string("chatcmpl-").size() + 24);
}

TEST(OpenAiChatStream, ToolFragmentsPassAndBeginWhole) {
    auto encoder = make_openai_chat_stream_encoder(mine());
    const auto data =
        data_of(encoded(*encoder, {ToolCallDelta{0, "call_1", "f", "", 0},
                                   ToolCallDelta{0, "", "", "{\"a\":\"<\\u003c\"", 0},
                                   ToolCallDelta{0, "", "", "}", 0}, Finished{}, Ended{}}));
    EXPECT_EQ(
        Json::parse(data[1])["choices"][0]["delta"].dump(),
        R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]})");
    EXPECT_EQ(Json::parse(data[2])["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"],
              "{\"a\":\"<\\u003c\"");
    EXPECT_EQ(Json::parse(data[4])["choices"][0]["finish_reason"], "tool_calls");
}

TEST(OpenAiChatStream, ReasoningUnderOneNameOrBoth) {
    OpenAiAnswerOptions options = mine();
    auto one = make_openai_chat_stream_encoder(options);
    EXPECT_EQ(
        Json::parse(data_of(encoded(*one, {Reasoning{"I"}})).at(1))["choices"][0]["delta"].dump(),
        R"({"reasoning":"I"})");
    options.both_reasoning_fields = true;
    auto both = make_openai_chat_stream_encoder(options);
    EXPECT_EQ(
        Json::parse(data_of(encoded(*both, {Reasoning{"I"}})).at(1))["choices"][0]["delta"].dump(),
        R"({"reasoning":"I","reasoning_content":"I"})");
}

TEST(OpenAiChatStream, EachChoiceHasItsRoleAndFinish) {
    auto encoder = make_openai_chat_stream_encoder(mine());
    const auto data = data_of(
        encoded(*encoder, {Text{"b", 1}, Text{"a", 0}, Finished{FinishReason::kLength, "", 1},
                           Finished{FinishReason::kLoad, "", 0}, Ended{}}));
    ASSERT_EQ(data.size(), 7U);
    EXPECT_EQ(Json::parse(data[0])["choices"][0]["index"], 1);
    EXPECT_EQ(Json::parse(data[2])["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(Json::parse(data[4])["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(Json::parse(data[5])["choices"][0]["finish_reason"], "stop");
}

// C89
TEST(OpenAiChatStream, LogprobsGoWithTheirTextOrAreNull) {
    OpenAiAnswerOptions options = mine();
    options.logprobs = true;
    auto encoder = make_openai_chat_stream_encoder(options);
    TokenLogprob token;
    token.token = "3";
    token.logprob = -0.5;
    token.bytes = {51};
    token.top = {token};
    const auto data = data_of(encoded(*encoder, {Logprobs{{token}, 0}, Text{"3"}, Text{"x"}}));
    EXPECT_TRUE(Json::parse(data[0])["choices"][0]["logprobs"].is_null());
    EXPECT_EQ(
        Json::parse(data[1])["choices"][0]["logprobs"].dump(),
        R"({"content":[{"token":"3","logprob":-0.5,"bytes":[51],"top_logprobs":[{"token":"3","logprob":-0.5,"bytes":[51]}]}]})");
    EXPECT_TRUE(Json::parse(data[2])["choices"][0]["logprobs"].is_null());
}

TEST(OpenAiChatStream, KeepAliveIsAComment) {
    auto encoder = make_openai_chat_stream_encoder(mine());
    std::string out;
    encoder->keep_alive(out);
    EXPECT_EQ(out, ": keep-alive\n\n");
    EXPECT_TRUE(encoder->may_begin_with_keep_alive());
}

TEST(OpenAiChat, OneObject) {
    auto encoder = make_openai_chat_encoder(mine());
    const std::string out = encoded(*encoder, {Started{}, Reasoning{"I add"}, Text{"3 plus"},
                                               Text{" 4"}, usage(14, 23), Finished{}, Ended{}});
    const Json answer = Json::parse(out);
    EXPECT_EQ(answer["object"], "chat.completion");
    EXPECT_EQ(
        answer["choices"].dump(),
        R"([{"index":0,"message":{"role":"assistant","content":"3 plus 4","refusal":null,"reasoning":"I add"},"logprobs":null,"finish_reason":"stop"}])");
    EXPECT_EQ(answer["usage"]["total_tokens"], 37);
}

TEST(OpenAiChat, CallsWithoutTextHaveNoContent) {
    auto encoder = make_openai_chat_encoder(mine());
    const Json answer =
        Json::parse(encoded(*encoder, {ToolCallDelta{0, "call_1", "f", "{\"a\": 1}", 0}, Finished{},
                                       usage(1, 2), Ended{}}));
    EXPECT_EQ(
        answer["choices"][0].dump(),
        R"({"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":"tool_calls"})");
}

TEST(OpenAiCompletion, EchoAndLogprobs) {
    OpenAiAnswerOptions options = mine();
    options.echo = {"é!", "two"};
    TokenLogprob token;
    token.token = " x";
    token.logprob = -1;
    const Events events{Logprobs{{token, token}, 1}, Text{" x x", 1}, Text{"a", 0}, Finished{},
                        Finished{{}, "", 1},         Ended{}};
    auto whole = make_openai_completion_encoder(options);
    const Json answer = Json::parse(encoded(*whole, events));
    EXPECT_EQ(answer["object"], "text_completion");
    EXPECT_EQ(answer["choices"][0]["text"], "é!a");
    EXPECT_EQ(answer["choices"][1]["text"], "two x x");
    EXPECT_EQ(answer["choices"][1]["logprobs"]["text_offset"].dump(), "[3,5]");
    EXPECT_EQ(answer["choices"][1]["logprobs"]["tokens"].dump(), R"([" x"," x"])");

    auto stream = make_openai_completion_stream_encoder(options);
    const auto data = data_of(encoded(*stream, events));
    EXPECT_EQ(Json::parse(data[0])["choices"].dump(),
              R"([{"index":1,"text":"two","logprobs":null,"finish_reason":null}])");
    EXPECT_EQ(Json::parse(data[1])["choices"][0]["logprobs"]["text_offset"].dump(), "[3,5]");
    EXPECT_EQ(data.back(), "[DONE]");
}

TEST(OpenAiEmbeddings, FloatsAndBase64) {
    const Events events{Vectors{{{0.5, -1}, {0.25, 2}}}, usage(8, 0), Ended{}};
    auto floats = make_openai_embeddings_encoder(mine(), EmbeddingFormat::kFloat);
    EXPECT_EQ(
        encoded(*floats, events),
        R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},{"object":"embedding","index":1,"embedding":[0.25,2]}],"model":"Mine","usage":{"prompt_tokens":8,"total_tokens":8}})");
    auto base64 = make_openai_embeddings_encoder(mine(), EmbeddingFormat::kBase64);
    const Json answer = Json::parse(encoded(*base64, events));
    const auto bytes = base64_decode(answer["data"][1]["embedding"].get<std::string>());
    ASSERT_TRUE(bytes && bytes->size() == 8);
    float numbers[2];
    std::memcpy(numbers, bytes->data(), sizeof numbers);
    EXPECT_EQ(numbers[0], 0.25F);
    EXPECT_EQ(numbers[1], 2.0F);
}

}  // namespace
}  // namespace segue::llm
