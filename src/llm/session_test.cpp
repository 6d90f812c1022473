#include "llm/session.hpp"

#include <gtest/gtest.h>

#include <cctype>

namespace segue::llm {
namespace {

TEST(Answer, SumsEventsOfEachChoice) {
    Answer answer;
    EXPECT_TRUE(answer.first().text.empty());
    Usage prompt_usage;
    prompt_usage.prompt_tokens = 3;
    Usage completion_usage;
    completion_usage.completion_tokens = 4;
    const Events events{Started{},
                        Reasoning{"I ", 0},
                        Reasoning{"add", 0},
                        Text{"x", 1},
                        Text{"7", 0},
                        Text{".", 0},
                        prompt_usage,
                        completion_usage,
                        TokenIds{{1, 2}, {}},
                        TokenIds{{}, {3}},
                        Finished{FinishReason::kLength, "", 0},
                        Ended{}};
    for (const Event& event : events)
        answer.add(event);
    ASSERT_EQ(answer.choices.size(), 2U);
    EXPECT_EQ(answer.first().reasoning, "I add");
    EXPECT_EQ(answer.first().text, "7.");
    EXPECT_EQ(answer.choices[1].text, "x");
    EXPECT_FALSE(answer.choices[1].finished.has_value());
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kLength);
    EXPECT_EQ(answer.usage.prompt_tokens, 3);
    EXPECT_EQ(answer.usage.completion_tokens, 4);
    EXPECT_EQ(answer.token_ids.prompt, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(answer.token_ids.completion, (std::vector<std::int64_t>{3}));
    EXPECT_TRUE(answer.ended);
}

TEST(Answer, JoinsInterleavedToolCalls) {
    Answer answer;
    const Events events{ToolCallDelta{0, "a", "get_", "", 0}, ToolCallDelta{1, "b", "time", "{", 0},
                        ToolCallDelta{0, "a", "weather", "{\"city\":", 0},
                        ToolCallDelta{1, "", "", "}", 0}, ToolCallDelta{0, "", "", "1}", 0}};
    for (const Event& event : events)
        answer.add(event);
    const auto& calls = answer.first().tool_calls;
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[0].id, "a");
    EXPECT_EQ(calls[0].name, "get_weather");
    EXPECT_EQ(calls[0].arguments, "{\"city\":1}");
    EXPECT_EQ(calls[1].arguments, "{}");
}

TEST(Answer, PassesOverNumbersThatWouldTakeAllMemory) {
    Answer answer;
    answer.add(Text{"x", 4'000'000'000U});
    answer.add(ToolCallDelta{4'000'000'000U, "a", "b", "", 0});
    EXPECT_LE(answer.choices.size(), 1U);
}

TEST(NormalizeArguments, MakesOneFormOfAll) {  // C11
    EXPECT_EQ(normalize_arguments(""), "{}");
    EXPECT_EQ(normalize_arguments(" \n"), "{}");
    EXPECT_EQ(normalize_arguments("\"{\\\"a\\\":1}\""), "{\"a\":1}");
    EXPECT_EQ(normalize_arguments("{\"n\":12345678901234567890, \"b\":1,\n\"a\":2 }"),
              "{\"n\":12345678901234567890,\"b\":1,\"a\":2}");
    EXPECT_EQ(normalize_arguments("{\"t\":\"a \\\" b\"}"), "{\"t\":\"a \\\" b\"}");
    EXPECT_EQ(normalize_arguments("{\"a\":"), std::nullopt);  // C13
    EXPECT_EQ(normalize_arguments("[1]"), std::nullopt);
    EXPECT_EQ(normalize_arguments("7"), std::nullopt);
    EXPECT_EQ(normalize_arguments("\"\\\"{}\\\"\""), std::nullopt);
}

TEST(MadeToolCallId, IsStableAndTellsCallsApart) {
    const std::string id = made_tool_call_id(1, "get_weather", "{}", false);
    EXPECT_EQ(id, made_tool_call_id(1, "get_weather", "{}", false));
    EXPECT_EQ(id.size(), 29U);
    EXPECT_TRUE(id.starts_with("call_"));
    EXPECT_NE(id, made_tool_call_id(2, "get_weather", "{}", false));
    EXPECT_NE(made_tool_call_id(1, "ab", "c", false), made_tool_call_id(1, "a", "bc", false));
    const std::string mistral = made_tool_call_id(1, "get_weather", "{}", true);
    EXPECT_EQ(mistral.size(), 9U);
    for (const char c : mistral)
        EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) != 0);
}

}  // namespace
}  // namespace segue::llm
