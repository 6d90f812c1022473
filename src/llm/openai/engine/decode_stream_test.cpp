#include "llm/openai/engine/decode_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llm/openai/engine/test_support.hpp"

namespace segue::llm::openai_engine {
namespace {

using testing::ElementsAre;

DecoderOptions options_for(Target target = tiny_target()) {
    DecoderOptions options;
    options.target = std::move(target);
    options.client_model = "m";
    return options;
}

Events decode(std::string_view bytes, DecoderOptions options = options_for()) {
    StreamDecoder decoder(std::move(options));
    Events events;
    decoder.feed(bytes, events);
    decoder.end(events);
    return events;
}

std::string delta(std::string_view choice) {
    return "data: {\"choices\":[" + std::string(choice) + "]}\n\n";
}
const std::string kStop =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

class Recorded : public testing::TestWithParam<const char*> {};

/// STYLE 13: the bytes may be cut anywhere.
TEST_P(Recorded, SameEventsAtEverySplitPoint) {
    const std::string bytes = body_of(recorded(GetParam()));
    const Events whole = decode(bytes);
    ASSERT_FALSE(whole.empty());
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        StreamDecoder decoder(options_for());
        Events events;
        decoder.feed(std::string_view(bytes).substr(0, cut), events);
        decoder.feed(std::string_view(bytes).substr(cut), events);
        decoder.end(events);
        ASSERT_EQ(events, whole) << "cut at " << cut;
    }
    StreamDecoder decoder(options_for());
    Events events;
    for (const char& byte : bytes)
        decoder.feed(std::string_view(&byte, 1), events);
    decoder.end(events);
    EXPECT_EQ(events, whole);
}
INSTANTIATE_TEST_SUITE_P(OpenAiEngine, Recorded,
                         testing::Values("chat_stream_usage", "chat_think_stream",
                                         "chat_tools_stream", "chat_stop_stream",
                                         "completion_stream_usage", "chat_plain",
                                         "err_context_overflow_stream"));

TEST(OpenAiStream, TextAndUsage) {
    const Answer answer = sum(decode(body_of(recorded("chat_stream_usage"))));
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.first().text, "The capital of France is Paris.");
    EXPECT_EQ(answer.usage.prompt_tokens, 24);
    EXPECT_EQ(answer.usage.completion_tokens, 11);
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kStop);
}

TEST(OpenAiStream, ThinkingBeforeText) {
    const Target target = tiny_target();
    const Answer answer = sum(decode(body_of(recorded("chat_think_stream")), options_for(target)));
    EXPECT_EQ(answer.first().reasoning, "\nI add 3 and 4. That makes 7.\n");
    EXPECT_EQ(answer.first().text, "\n\n3 plus 4 is 7.");
    EXPECT_EQ(target.traits->reasoning_parser, EngineTraits::Tri::kYes);
    EXPECT_FALSE(target.traits->answers_reasoning_content);
}

TEST(OpenAiStream, BothNamesOfReasoningCountOnce) {
    const Target target = tiny_target();
    const Answer answer = sum(decode(
        delta(R"({"index":0,"delta":{"reasoning":"a","reasoning_content":"a","content":"b"}})") +
            kStop,
        options_for(target)));
    EXPECT_EQ(answer.first().reasoning, "a");
    EXPECT_EQ(answer.first().text, "b");
    EXPECT_FALSE(target.traits->answers_reasoning_content);
    decode(delta(R"({"index":0,"delta":{"reasoning_content":"a"}})") + kStop, options_for(target));
    EXPECT_TRUE(target.traits->answers_reasoning_content);
}

TEST(OpenAiStream, StopStringIsTold) {
    const Answer answer = sum(decode(body_of(recorded("chat_stop_stream"))));
    EXPECT_EQ(answer.first().text, "1 2 3 4 5 6 ");
    EXPECT_EQ(answer.first().finished->stop_sequence, "7");
}

TEST(OpenAiStream, ToolCallInPieces) {
    const Answer answer = sum(decode(body_of(recorded("chat_tools_stream"))));
    ASSERT_EQ(answer.first().tool_calls.size(), 1U);
    EXPECT_EQ(answer.first().tool_calls[0].name, "get_weather");
    EXPECT_EQ(answer.first().tool_calls[0].arguments, R"({"city": "Paris"})");
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kToolCalls);
}

TEST(OpenAiStream, C10CallsInterleavedAndOneWithoutIndex) {
    const auto call = [](std::string_view json) {
        return delta("{\"index\":0,\"delta\":{\"tool_calls\":[" + std::string(json) + "]}}");
    };
    const Answer answer =
        sum(decode(call(R"({"index":0,"id":"a","function":{"name":"f"}})") +
                   call(R"({"index":1,"id":"b","function":{"name":"g","arguments":""}})") +
                   call(R"({"index":0,"function":{"arguments":"{\"x\""}})") +
                   call(R"({"index":1,"function":{"arguments":"{\"y\":2}"}})") +
                   call(R"({"index":0,"id":"a","function":{"name":"f","arguments":":1}"}})") +
                   call(R"({"id":"c","function":{"name":"h","arguments":"{"}})") +
                   call(R"({"id":"c","function":{"arguments":"}"}})") + kStop));
    const auto& calls = answer.first().tool_calls;
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].id + calls[0].name + calls[0].arguments, R"(af{"x":1})");
    EXPECT_EQ(calls[1].id + calls[1].name + calls[1].arguments, R"(bg{"y":2})");
    EXPECT_EQ(calls[2].id + calls[2].name + calls[2].arguments, "ch{}");
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kToolCalls);
}

TEST(OpenAiStream, EveryCallNumberedZeroAndNoIdAtAll) {
    const Answer numbered = sum(decode(
        delta(
            R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]}})") +
        kStop));
    ASSERT_EQ(numbered.first().tool_calls.size(), 2U);
    const Answer anonymous = sum(decode(
        delta(
            R"({"index":0,"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}})") +
        kStop));
    ASSERT_EQ(anonymous.first().tool_calls.size(), 1U);
    EXPECT_TRUE(anonymous.first().tool_calls[0].id.starts_with("call_"));
}

TEST(OpenAiStream, LogprobsComeBeforeTheirText) {
    const Events events = decode(body_of(recorded("chat_logprobs_stream")));
    std::size_t pairs = 0;
    for (std::size_t i = 0; i + 1 < events.size(); ++i) {
        const auto* logprobs = std::get_if<Logprobs>(&events[i]);
        if (logprobs == nullptr) continue;
        const auto* text = std::get_if<Text>(&events[i + 1]);
        ASSERT_NE(text, nullptr);
        EXPECT_EQ(logprobs->tokens.at(0).token, text->text);
        EXPECT_EQ(logprobs->tokens[0].top.size(), 2U);
        ++pairs;
    }
    EXPECT_EQ(pairs, 4U);
}

TEST(OpenAiStream, CompletionsZipTheirLogprobs) {
    DecoderOptions options = options_for();
    options.top_logprobs = 2;
    const Answer answer = sum(decode(body_of(recorded("completion_logprobs")), options));
    EXPECT_EQ(answer.first().text, "3 plus 4");
    const auto& tokens = answer.first().logprobs;
    ASSERT_EQ(tokens.size(), 3U);
    EXPECT_EQ(tokens[1].token, " plus");
    EXPECT_EQ(tokens[1].bytes, (std::vector<std::uint8_t>{32, 112, 108, 117, 115}));
    EXPECT_EQ(tokens[1].top.size(), 2U);
    EXPECT_LT(tokens[1].logprob, 0);
}

TEST(OpenAiStream, WholeAnswers) {
    const Answer plain = sum(decode(body_of(recorded("chat_plain"))));
    EXPECT_TRUE(plain.ended);
    EXPECT_EQ(plain.first().text, "The capital of France is Paris.");
    const Answer tools = sum(decode(body_of(recorded("chat_tools"))));
    ASSERT_EQ(tools.first().tool_calls.size(), 1U);
    EXPECT_EQ(tools.first().tool_calls[0].arguments, R"({"city": "Paris"})");
    const Answer named = sum(decode(body_of(recorded("chat_tools_named"))));
    EXPECT_EQ(named.first().finished->reason, FinishReason::kToolCalls);
    const Answer batch = sum(decode(body_of(recorded("completion_batch"))));
    ASSERT_EQ(batch.choices.size(), 2U);
    EXPECT_EQ(batch.choices[1].text, "3 plus 4 is 7.");
}

TEST(OpenAiStream, UsageNullIsAbsentAndTheLastWins) {
    const Answer answer = sum(decode(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n"
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n" +
        delta(R"({"index":0,"delta":{},"finish_reason":"length"})") +
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9},\"metrics\":"
        "{\"queue_time_ms\":2.5}}\n\ndata: [DONE]\n\n"));
    EXPECT_EQ(answer.usage.prompt_tokens, 3);
    EXPECT_EQ(answer.usage.completion_tokens, 9);
    EXPECT_EQ(answer.usage.queue_ms, 2.5);
}

TEST(OpenAiStream, ErrorsInEveryShape) {
    const auto failure = [](std::string_view bytes) {
        const Events events = decode(bytes);
        const Failure* found = failure_in(events);
        EXPECT_NE(found, nullptr) << bytes;
        return found != nullptr ? *found : Failure{};
    };
    const Failure first = failure(
        "data: {\"error\":{\"message\":\"The model `segue-tiny` is odd\",\"type\":"
        "\"BadRequestError\",\"param\":null,\"code\":400}}\n\ndata: [DONE]\n\n");
    EXPECT_EQ(first.cause, Failure::Cause::kEngineRefused);
    EXPECT_EQ(first.status, 400);
    EXPECT_EQ(first.message, "The model `m` is odd");
    const Failure flat = failure(
        "data: {\"object\":\"error\",\"message\":\"boom\",\"type\":\"InternalServerError\","
        "\"param\":null,\"code\":500}\n\n");
    EXPECT_EQ(flat.cause, Failure::Cause::kEngineFailed);
    EXPECT_EQ(flat.message, "boom");
    EXPECT_EQ(failure("data: {\"error\":\"sorry\"}\n\n").message, "sorry");
    EXPECT_EQ(
        failure("{\"object\":\"error\",\"message\":\"This model's maximum context length is 1 "
                "tokens.\",\"code\":400}")
            .cause,
        Failure::Cause::kContextTooLong);
    EXPECT_EQ(
        failure(delta(R"({"index":0,"delta":{"content":"a"},"finish_reason":"abort"})")).cause,
        Failure::Cause::kEngineFailed);
}

TEST(OpenAiStream, C110C118WhatIsNotWholeIsBroken) {
    const std::string text = delta(R"({"index":0,"delta":{"content":"a"}})");
    for (const std::string& bytes :
         {std::string(), text, text + "data: [DONE]\n\n", text + "data: {\"choi",
          text + "garbage\n\n", text + "data: nonsense\n\n" + kStop, text + "data: [1]\n\n",
          std::string("<html>bad gateway</html>"), std::string("{\"choices\":[{\"index\":0")}) {
        const Events events = decode(bytes);
        const Failure* failure = failure_in(events);
        ASSERT_NE(failure, nullptr) << bytes;
        EXPECT_EQ(failure->cause, Failure::Cause::kBroken) << bytes;
        EXPECT_TRUE(std::holds_alternative<Failed>(events.back()));
    }
    DecoderOptions options = options_for();
    options.max_event_bytes = 1000;
    EXPECT_NE(failure_in(decode("data: " + std::string(5000, 'x'), options)), nullptr);
    EXPECT_NE(failure_in(decode("{" + std::string(5000, ' '), options)), nullptr);
}

TEST(OpenAiStream, BlanksBeforeTheFirstEventSayNothingHoweverTheyAreCut) {
    const std::string event = delta("{\"index\":0,\"delta\":{\"content\":\"a\"}}") + kStop;
    const std::string bytes = " \t\r\n \t" + event;
    const Events wanted = decode(event);
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        StreamDecoder decoder(options_for());
        Events events;
        for (std::size_t at = 0; at < bytes.size(); at += step)
            decoder.feed(std::string_view(bytes).substr(at, step), events);
        decoder.end(events);
        ASSERT_EQ(events, wanted) << step;
    }
}

TEST(OpenAiStream, CommentsAndAMissingDoneAreFine) {
    const Answer answer =
        sum(decode(": keep-alive\n\n" + delta(R"({"index":0,"delta":{"content":"a"}})") +
                   ": keep-alive\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},"
                   "\"finish_reason\":\"stop\"}]}"));
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.first().text, "a");
}

TEST(OpenAiStream, TokenIdsWhenWanted) {
    DecoderOptions options = options_for();
    options.want_token_ids = true;
    const Answer answer =
        sum(decode("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}],"
                   "\"prompt_token_ids\":[1,2]}\n\n" +
                       delta(R"({"index":0,"delta":{"content":"a"},"token_ids":[3,4]})") + kStop,
                   options));
    EXPECT_THAT(answer.token_ids.prompt, ElementsAre(1, 2));
    EXPECT_THAT(answer.token_ids.completion, ElementsAre(3, 4));
}

}  // namespace
}  // namespace segue::llm::openai_engine
