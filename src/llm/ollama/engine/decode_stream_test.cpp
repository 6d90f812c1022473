#include "llm/ollama/engine/decode_stream.hpp"

#include <gtest/gtest.h>

#include "llm/ollama/engine/test_support.hpp"
#include "llm/session.hpp"

namespace segue::llm::ollama {
namespace {

using ollama_test::ollama_context;
using ollama_test::recording;

DecoderOptions options() {
    return {ollama_context().target, "my-model", 0, 1, 1 << 20};
}

Events decode(std::string_view bytes, std::size_t cut) {
    StreamDecoder decoder(options());
    Events events;
    decoder.feed(bytes.substr(0, cut), events);
    decoder.feed(bytes.substr(cut), events);
    decoder.end(events);
    return events;
}
Events decode(std::string_view bytes) {
    return decode(bytes, bytes.size());
}

Answer sum(const Events& events) {
    Answer answer;
    for (const Event& event : events)
        answer.add(event);
    return answer;
}

const Failed* failure_in(const Events& events) {
    return events.empty() ? nullptr : std::get_if<Failed>(&events.back());
}

constexpr std::string_view kText =
    R"({"model":"m","message":{"role":"assistant","content":"Hi"},"done":false})"
    "\n";
constexpr std::string_view kDone =
    R"({"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":1})";

class OllamaRecordedAnswers : public testing::TestWithParam<const char*> {};

TEST_P(OllamaRecordedAnswers, AreReadTheSameAtEverySplitPoint) {
    const auto recorded = recording(GetParam());
    ASSERT_EQ(recorded.status, 200);
    const Events whole = decode(recorded.body);
    ASSERT_FALSE(whole.empty());
    EXPECT_EQ(whole.front(), Event(Started{}));
    EXPECT_EQ(whole.back(), Event(Ended{}));
    for (std::size_t cut = 0; cut <= recorded.body.size(); ++cut)
        ASSERT_EQ(decode(recorded.body, cut), whole) << cut;
}

INSTANTIATE_TEST_SUITE_P(All, OllamaRecordedAnswers,
                         testing::Values("chat", "chat_stream", "chat_think", "chat_think_stream",
                                         "chat_tools", "chat_tools_stream", "chat_length_stream",
                                         "chat_logprobs_stream", "chat_load", "generate",
                                         "generate_stream", "generate_raw", "generate_think_stream",
                                         "generate_logprobs", "generate_load"));

TEST(OllamaStreamDecoder, ReadsTheRecordedChat) {
    const Answer answer = sum(decode(recording("chat_stream").body));
    EXPECT_EQ(answer.first().text, "The capital of France is Paris.");
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kStop);
    EXPECT_EQ(answer.usage.prompt_tokens, 24);
    EXPECT_EQ(answer.usage.completion_tokens, 11);
}

TEST(OllamaStreamDecoder, ReadsTheRecordedThinking) {
    const Answer answer = sum(decode(recording("chat_think_stream").body));
    EXPECT_EQ(answer.first().reasoning, "I add 3 and 4. That makes 7.\n");
    EXPECT_EQ(answer.first().text, "3 plus 4 is 7.");
}

TEST(OllamaStreamDecoder, ReadsGenerate) {
    const Answer answer = sum(decode(recording("generate_think_stream").body));
    EXPECT_EQ(answer.first().text, "3 plus 4 is 7.");
    EXPECT_FALSE(answer.first().reasoning.empty());
    EXPECT_EQ(sum(decode(recording("generate_raw").body)).usage.completion_tokens, 7);
}

// Before 0.30 calls came in a line of their own, from then on also in the done line (wire 1.5).
TEST(OllamaStreamDecoder, ReadsToolCallsInAnyLine) {
    for (const char* id : {"chat_tools_stream", "chat_tools"}) {
        const Answer answer = sum(decode(recording(id).body));
        ASSERT_EQ(answer.first().tool_calls.size(), 1U) << id;
        EXPECT_EQ(answer.first().tool_calls[0].name, "get_weather");
        EXPECT_EQ(answer.first().tool_calls[0].arguments, R"({"city":"Paris"})");
        EXPECT_TRUE(answer.first().tool_calls[0].id.starts_with("call_"));
        EXPECT_EQ(answer.first().finished->reason, FinishReason::kToolCalls);
    }
}

// Before 0.12.10 calls had no ids (wire 5.3).
TEST(OllamaStreamDecoder, MakesDifferentStableIdsForEqualCalls) {
    const std::string line =
        R"({"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"f"}}]},"done":true})";
    const auto calls = sum(decode(line)).first().tool_calls;
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_NE(calls[0].id, calls[1].id);
    EXPECT_EQ(calls[0].id, made_tool_call_id(1, "f", "{}", false));
    EXPECT_EQ(calls[1].arguments, "{}");
    EXPECT_EQ(sum(decode(line)).first().tool_calls[1].id, calls[1].id);
}

TEST(OllamaStreamDecoder, KeepsNumbersAndKeyOrderOfArguments) {
    const auto calls =
        sum(decode(
                R"({"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"n":12345678901234567890, "b":1,"a":2}}}]},"done":true})"))
            .first()
            .tool_calls;
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].arguments, R"({"n":12345678901234567890,"b":1,"a":2})");
}

TEST(OllamaStreamDecoder, PutsLogprobsBeforeTheirText) {
    const Events events = decode(recording("chat_logprobs_stream").body);
    ASSERT_GT(events.size(), 3U);
    const auto* logprobs = std::get_if<Logprobs>(&events[1]);
    ASSERT_NE(logprobs, nullptr);
    EXPECT_EQ(logprobs->tokens.at(0).token, "3");
    EXPECT_EQ(logprobs->tokens.at(0).bytes, std::vector<std::uint8_t>{51});
    EXPECT_EQ(logprobs->tokens.at(0).top.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Text>(events[2]));
}

TEST(OllamaStreamDecoder, LastLineNeedsNoNewlineAndCountsMayBeAbsent) {
    const Answer answer = sum(decode(R"({"response":"x","done":true})"));
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.first().text, "x");
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kStop);
    EXPECT_EQ(answer.usage.prompt_tokens, 0);
}

TEST(OllamaStreamDecoder, NothingFollowsDone) {
    const std::string twice = std::string(kDone) + "\n" + std::string(kDone) + "\n";
    EXPECT_EQ(decode(twice), decode(kDone));
}

TEST(OllamaStreamDecoder, ErrorLineIsBelievedRatherThanDone) {
    const std::string bytes = std::string(kText) +
                              R"({"error":"llama runner process has terminated"})" + "\n" +
                              std::string(kDone) + "\n";
    const Events events = decode(bytes);
    const Failed* failed = failure_in(events);
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(failed->failure.cause, Failure::Cause::kEngineFailed);
    EXPECT_EQ(failed->failure.message, "llama runner process has terminated");
}

TEST(OllamaStreamDecoder, EndWithoutDoneIsBroken) {
    for (const std::string_view bytes : {std::string_view{}, kText, kText.substr(0, 20)}) {
        const Events events = decode(bytes);
        ASSERT_NE(failure_in(events), nullptr);
        EXPECT_EQ(failure_in(events)->failure.cause, Failure::Cause::kBroken);
    }
}

TEST(OllamaStreamDecoder, GarbageIsBroken) {
    for (const std::string_view bytes : {"<html>\n", "[1]\n", "7\n", "{\"a\":\n"}) {
        const Events events = decode(bytes);
        ASSERT_NE(failure_in(events), nullptr) << bytes;
        EXPECT_EQ(failure_in(events)->failure.cause, Failure::Cause::kBroken) << bytes;
    }
}

TEST(OllamaStreamDecoder, LineOverTheLimitIsBroken) {
    DecoderOptions small = options();
    small.max_line_bytes = 16;
    StreamDecoder decoder(small);
    Events events;
    decoder.feed(kText, events);
    ASSERT_NE(failure_in(events), nullptr);
}

TEST(OllamaStreamDecoder, BadUtf8BecomesReplacementCharacters) {
    const Answer answer =
        sum(decode("{\"response\":\"a\xff"
                   "b\",\"done\":true}\n"));
    EXPECT_EQ(answer.first().text,
              "a\xef\xbf\xbd"
              "b");
}

}  // namespace
}  // namespace segue::llm::ollama
