#include "llm/anthropic/encode.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;

Events answer(Events content, Finished finished = {}) {
    content.insert(content.begin(), Started{});
    content.emplace_back(Usage{.prompt_tokens = 11,
                               .completion_tokens = 5,
                               .reasoning_tokens = {},
                               .cached_tokens = {},
                               .queue_ms = {}});
    content.emplace_back(std::move(finished));
    content.emplace_back(Ended{});
    return content;
}

Json single(const Events& events) {
    std::string out;
    EXPECT_FALSE(make_anthropic_encoder("m:1")->encode(events, {}, out));
    return Json::parse(out);
}

/// The data of the blocks' events, without the frame of the message.
std::string blocks(const Events& events) {
    std::string out;
    EXPECT_FALSE(make_anthropic_stream_encoder("m:1")->encode(events, {}, out));
    std::string data;
    std::size_t from = 0;
    while ((from = out.find("data: {\"type\":\"content_block_", from)) != std::string::npos) {
        from += 29;
        data += out.substr(from, out.find('\n', from) - from) + "\n";
    }
    return data;
}

ToolCallDelta call(std::uint32_t index, std::string id, std::string name, std::string arguments) {
    return {index, std::move(id), std::move(name), std::move(arguments), 0};
}

TEST(AnthropicEncode, WritesOneMessage) {
    const Json got = single(answer({Reasoning{"hm", 0}, Text{"Yes.", 0},
                                    call(0, "t1", "w", R"({"a": 1.0})"), call(1, "", "x", "")}));
    EXPECT_EQ(got["id"].get<std::string>().size(), 28U);
    EXPECT_EQ(got["model"], "m:1");
    EXPECT_EQ(got["content"][0]["thinking"], "hm");
    EXPECT_FALSE(got["content"][0]["signature"].get<std::string>().empty());
    EXPECT_EQ(got["content"][1].dump(), R"({"type":"text","text":"Yes."})");
    EXPECT_EQ(got["content"][2].dump(),
              R"({"type":"tool_use","id":"t1","name":"w","input":{"a":1.0}})");
    EXPECT_EQ(got["content"][3]["input"].dump(), "{}");
    EXPECT_TRUE(got["content"][3]["id"].get<std::string>().starts_with("toolu_"));
    EXPECT_EQ(got["stop_reason"], "tool_use");
    EXPECT_EQ(got["usage"].dump(), R"({"input_tokens":11,"output_tokens":5})");
}

TEST(AnthropicEncode, NamesTheReasonToStop) {
    const auto reason = [](Finished finished) {
        const Json got = single(answer({Text{"x", 0}}, std::move(finished)));
        return got["stop_reason"].dump() + got["stop_sequence"].dump();
    };
    EXPECT_EQ(reason({}), "\"end_turn\"null");
    EXPECT_EQ(reason({FinishReason::kLength, "", 0}), "\"max_tokens\"null");
    EXPECT_EQ(reason({FinishReason::kStop, "7", 0}), "\"stop_sequence\"\"7\"");
}

TEST(AnthropicEncode, OpensOneBlockAfterTheOther) {
    EXPECT_EQ(
        blocks(answer({Text{"\n", 0}, Text{"A", 0}, call(0, "t1", "w", ""), call(0, "", "", "{\"a"),
                       Text{"\n", 0}, call(0, "", "", "\":1}"), call(1, "t2", "x", "")})),
        R"(start","index":0,"content_block":{"type":"text","text":""}}
delta","index":0,"delta":{"type":"text_delta","text":"\nA"}}
stop","index":0}
start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"w","input":{}}}
delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a"}}
delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\":1}"}}
stop","index":1}
start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"x","input":{}}}
delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}
stop","index":2}
)");
}

TEST(AnthropicEncode, SignsThinkingOnce) {
    const std::string got = blocks(answer({Reasoning{"a", 0}, Reasoning{"b", 0}, Text{"c", 0}}));
    const std::size_t signed_at = got.find("signature_delta");
    ASSERT_NE(signed_at, std::string::npos);
    EXPECT_EQ(got.find("signature_delta", signed_at + 1), std::string::npos);
    EXPECT_LT(got.find(R"("thinking":"b")"), signed_at);
    EXPECT_LT(signed_at, got.find(R"(stop","index":0)"));
}

TEST(AnthropicEncode, UndoesArgumentsThatWereEncodedTwice) {
    const std::string got =
        blocks(answer({call(0, "t", "w", "\"{\\\"a"), call(0, "", "", "\\\":1}\"")}));
    EXPECT_NE(got.find(R"("partial_json":"{\"a\":1}")"), std::string::npos) << got;
}

TEST(AnthropicEncode, BreaksOffAtArgumentsThatAreNoObject) {
    std::string out;
    const Events bad = answer({call(0, "t", "w", "{\"a\":")});
    EXPECT_TRUE(make_anthropic_stream_encoder("m")->encode(bad, {}, out));
    EXPECT_EQ(out.find("message_stop"), std::string::npos);
    std::string whole;
    EXPECT_TRUE(make_anthropic_encoder("m")->encode(bad, {}, whole));
    // Cut by the length limit is another matter: the client is told.
    std::string cut;
    EXPECT_FALSE(make_anthropic_stream_encoder("m")->encode(
        answer({call(0, "t", "w", "{\"a\":")}, {FinishReason::kLength, "", 0}), {}, cut));
    EXPECT_NE(cut.find(R"("stop_reason":"max_tokens")"), std::string::npos);
}

}  // namespace
}  // namespace segue::llm
