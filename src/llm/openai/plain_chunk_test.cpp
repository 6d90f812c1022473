#include "llm/openai/plain_chunk.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

bool learn(PlainChunk& chunk, std::string_view data) {
    json::Parser parser;
    const auto root = parser.parse(data);
    return root && chunk.learn(data, *root);
}

constexpr std::string_view kFirst =
    R"({"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"Par"},"logprobs":null,"finish_reason":null,"token_ids":null}]})";

TEST(PlainChunk, GivesTheTextOfALaterChunkWithTheSameFrame) {
    PlainChunk chunk;
    ASSERT_TRUE(learn(chunk, kFirst));
    const auto frame = [&](std::string_view text) {
        return std::string(chunk.before()) + std::string(text) + std::string(chunk.after());
    };
    EXPECT_EQ(frame("Par"), kFirst);
    EXPECT_EQ(chunk.text_of(frame("is")), "is");
    EXPECT_EQ(chunk.text_of(frame("né 東京")), "né 東京");
}

TEST(PlainChunk, LeavesEverythingElseToTheParser) {
    PlainChunk chunk;
    EXPECT_FALSE(chunk.text_of(kFirst)) << "nothing was learned";
    ASSERT_TRUE(learn(chunk, kFirst));
    const auto frame = [&](std::string_view text) {
        return std::string(chunk.before()) + std::string(text) + std::string(chunk.after());
    };
    EXPECT_FALSE(chunk.text_of(frame("")));
    EXPECT_FALSE(chunk.text_of(frame(R"(a\nb)")));
    EXPECT_FALSE(chunk.text_of(frame(R"(a","tool_calls":[],"x":"b)")));
    EXPECT_FALSE(chunk.text_of(frame("a\tb")));
    EXPECT_FALSE(chunk.text_of(frame("\xC3")));
    EXPECT_FALSE(chunk.text_of(kFirst.substr(0, kFirst.size() - 1)));
    EXPECT_FALSE(chunk.text_of(std::string(" ") + std::string(kFirst)));
}

TEST(PlainChunk, LearnsNothingFromChunksThatSayMore) {
    PlainChunk chunk;
    for (
        const std::string_view data : {
            R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]})",
            R"({"choices":[{"index":0,"delta":{"content":""}}]})",
            R"({"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]})",
            R"({"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[]}}]})",
            R"({"choices":[{"index":0,"delta":{"content":"a"},"token_ids":[1]}]})",
            R"({"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}})",
            R"({"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})",
            R"({"choices":[{"index":0,"delta":{"reasoning":"a"}}]})",
            R"({"choices":[]})",
        })
        EXPECT_FALSE(learn(chunk, data)) << data;
    EXPECT_FALSE(chunk.learned());
}

TEST(PlainChunk, LearnsNothingBehindBrokenUtf8) {
    // The parser's copy is longer than what came: each broken byte became three.
    PlainChunk chunk;
    for (const std::size_t broken : {std::size_t{1}, std::size_t{20}, std::size_t{400}}) {
        const std::string data = "{\"id\":\"" + std::string(broken, '\xFF') +
                                 R"(","choices":[{"index":0,"delta":{"content":"Par"}}]})";
        EXPECT_FALSE(learn(chunk, data)) << broken;
    }
}

TEST(PlainChunk, LearnsBehindWhiteSpace) {
    PlainChunk chunk;
    const std::string data = " " + std::string(kFirst);
    ASSERT_TRUE(learn(chunk, data));
    EXPECT_EQ(chunk.text_of(data), "Par");
}

}  // namespace
}  // namespace segue::llm
