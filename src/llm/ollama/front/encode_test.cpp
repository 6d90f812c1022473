#include "llm/ollama/front/encode.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace segue::llm {
namespace {

using nlohmann::json;
using Shape = OllamaEncoding::Shape;
using Delivery = OllamaEncoding::Delivery;

Timings timings() {
    const FakeClock clock;
    return {{clock.now(), clock.wall()},
            Duration(51'000'000),
            Duration(1'200'000),
            Duration(9'000'000),
            Duration(31'000'000)};
}
const std::string kAt = R"("created_at":"2026-11-23T09:35:28.000000Z")";
const std::string kTimes =
    R"("total_duration":51000000,"load_duration":1200000,"prompt_eval_count":24,"prompt_eval_duration":9000000,"eval_count":11,"eval_duration":31000000)";

struct Encoded {
    std::string bytes;
    std::optional<Failure> failure;
};
Encoded encode(Shape shape, Delivery delivery, const Events& events,
               OllamaEncoding::Context context = OllamaEncoding::Context::kLeftOut) {
    const auto encoder = make_ollama_encoder({shape, delivery, "segue-tiny", context});
    Encoded result;
    for (const Event& event : events) {  // one by one: the same bytes must come as from one batch
        result.failure = encoder->encode({event}, timings(), result.bytes);
        if (result.failure) return result;
    }
    const auto whole = make_ollama_encoder({shape, delivery, "segue-tiny", context});
    std::string batch;
    EXPECT_FALSE(whole->encode(events, timings(), batch));
    EXPECT_EQ(batch, result.bytes);
    return result;
}
Usage counts(std::int64_t prompt, std::int64_t completion) {
    Usage usage;
    usage.prompt_tokens = prompt;
    usage.completion_tokens = completion;
    return usage;
}
Finished finish(FinishReason reason) {
    Finished finished;
    finished.reason = reason;
    return finished;
}
Usage usage() {
    return counts(24, 11);
}
std::vector<json> lines_of(const std::string& bytes) {
    std::vector<json> lines;
    std::size_t start = 0;
    for (std::size_t end = bytes.find('\n'); end != std::string::npos;
         end = bytes.find('\n', start)) {
        EXPECT_LE(end - start, 64U * 1024);
        lines.push_back(json::parse(bytes.substr(start, end - start)));
        start = end + 1;
    }
    EXPECT_EQ(start, bytes.size());
    return lines;
}

TEST(OllamaEncode, ChatAsOneObject) {  // C01, recording chat: key by key
    const Events events{
        Started{}, Text{"The capital "}, Text{"of France is Paris."}, Finished{}, usage(), Ended{}};
    EXPECT_EQ(
        encode(Shape::kChat, Delivery::kSingle, events).bytes,
        R"({"model":"segue-tiny",)" + kAt +
            R"(,"message":{"role":"assistant","content":"The capital of France is Paris."},"done":true,"done_reason":"stop",)" +
            kTimes + "}");
}

TEST(OllamaEncode, ChatAsStream) {  // C02, C03
    const Events events{Started{},  Reasoning{"I"}, Text{"Par"}, Text{""},
                        Finished{}, usage(),        Ended{}};
    EXPECT_EQ(
        encode(Shape::kChat, Delivery::kStream, events).bytes,
        R"({"model":"segue-tiny",)" + kAt +
            R"(,"message":{"role":"assistant","content":"","thinking":"I"},"done":false})"
            "\n"
            R"({"model":"segue-tiny",)" +
            kAt +
            R"(,"message":{"role":"assistant","content":"Par"},"done":false})"
            "\n"
            R"({"model":"segue-tiny",)" +
            kAt +
            R"(,"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",)" +
            kTimes + "}\n");
}

TEST(OllamaEncode, Generate) {  // C28, C34
    const Events events{Text{"3"}, TokenIds{{1, 2}, {3}}, finish(FinishReason::kLength), usage(),
                        Ended{}};
    EXPECT_EQ(encode(Shape::kGenerate, Delivery::kSingle, events).bytes,
              R"({"model":"segue-tiny",)" + kAt +
                  R"(,"response":"3","done":true,"done_reason":"length",)" + kTimes + "}");
    EXPECT_EQ(
        encode(Shape::kGenerate, Delivery::kStream, events, OllamaEncoding::Context::kGiven).bytes,
        R"({"model":"segue-tiny",)" + kAt +
            R"(,"response":"3","done":false})"
            "\n"
            R"({"model":"segue-tiny",)" +
            kAt + R"(,"response":"","done":true,"done_reason":"length","context":[1,2,3],)" +
            kTimes + "}\n");
}

TEST(OllamaEncode, ToolCallsAreWholeAndCount) {  // C08-C11
    const Events events{ToolCallDelta{0, "call_a", "f", "{\""},
                        ToolCallDelta{1, "call_b", "g", ""},
                        ToolCallDelta{0, "", "", "city\": \"Pa\xE2\x80\xA8\"}"},
                        ToolCallDelta{2, "call_c", "h", R"("{\"a\":12345678901234567890}")"},
                        finish(FinishReason::kToolCalls),
                        usage(),
                        Ended{}};
    const std::string calls =
        R"("tool_calls":[{"id":"call_a","function":{"index":0,"name":"f","arguments":{"city":"Pa\u2028"}}},)"
        R"({"id":"call_b","function":{"index":1,"name":"g","arguments":{}}},)"
        R"({"id":"call_c","function":{"index":2,"name":"h","arguments":{"a":12345678901234567890}}}])";
    EXPECT_EQ(
        encode(Shape::kChat, Delivery::kStream, events).bytes,
        R"({"model":"segue-tiny",)" + kAt + R"(,"message":{"role":"assistant","content":"",)" +
            calls +
            R"(},"done":false})"
            "\n"
            R"({"model":"segue-tiny",)" +
            kAt +
            R"(,"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",)" +
            kTimes + "}\n");
    EXPECT_EQ(encode(Shape::kChat, Delivery::kSingle, events).bytes,
              R"({"model":"segue-tiny",)" + kAt +
                  R"(,"message":{"role":"assistant","content":"",)" + calls +
                  R"(},"done":true,"done_reason":"stop",)" + kTimes + "}");
}

TEST(OllamaEncode, CutArgumentsDropTheCallOrBreakTheAnswer) {  // C12, C13
    Events events{ToolCallDelta{0, "a", "f", R"({"a":)"}, finish(FinishReason::kLength), usage(),
                  Ended{}};
    const auto cut = lines_of(encode(Shape::kChat, Delivery::kStream, events).bytes);
    ASSERT_EQ(cut.size(), 1U);
    EXPECT_EQ(cut[0]["done_reason"], "length");
    EXPECT_FALSE(cut[0]["message"].contains("tool_calls"));
    events[1] = finish(FinishReason::kToolCalls);
    const auto broken = encode(Shape::kChat, Delivery::kStream, events);
    ASSERT_TRUE(broken.failure);
    EXPECT_EQ(broken.failure->cause, Failure::Cause::kBroken);
    EXPECT_EQ(broken.bytes, "");
}

TEST(OllamaEncode, LogprobsGoWithTheirText) {  // C21, recording chat_logprobs_stream
    const TokenLogprob token{
        " is",
        -0.00008833798347041011,
        std::vector<std::uint8_t>{32, 105, 115},
        {{" is", -0.00008833798347041011, std::nullopt, {}}, {"", -10.5, std::nullopt, {}}}};
    const std::string logprobs =
        R"("logprobs":[{"token":" is","logprob":-0.00008833798347041011,"bytes":[32,105,115],"top_logprobs":[{"token":" is","logprob":-0.00008833798347041011,"bytes":[32,105,115]},{"token":"","logprob":-10.5}]}])";
    const Events events{Logprobs{{token}}, Text{" is"}, Finished{}, usage(), Ended{}};
    const std::string stream = encode(Shape::kChat, Delivery::kStream, events).bytes;
    EXPECT_NE(stream.find(R"("content":" is"},"done":false,)" + logprobs + "}\n"),
              std::string::npos)
        << stream;
    EXPECT_FALSE(lines_of(stream).back().contains("logprobs"));
    const std::string single = encode(Shape::kChat, Delivery::kSingle, events).bytes;
    EXPECT_TRUE(single.ends_with(R"("eval_duration":31000000,)" + logprobs + "}")) << single;
    // Without text after them they still come, before the last line.
    const auto lines = lines_of(
        encode(Shape::kChat, Delivery::kStream, {Logprobs{{token}}, Finished{}, Ended{}}).bytes);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].contains("logprobs"));
}

TEST(OllamaEncode, NoLineIsLongerThan64KiB) {
    std::string huge;
    for (int i = 0; i < 60'000; ++i)
        huge += i % 7 == 0 ? "\xC3\xA9" : "\x01";
    Logprobs logprobs;
    for (int i = 0; i < 3'000; ++i)
        logprobs.tokens.push_back({"token", -1.5, std::nullopt, {}});
    const auto lines = lines_of(
        encode(Shape::kChat, Delivery::kStream, {logprobs, Text{huge}, Finished{}, Ended{}}).bytes);
    std::string joined;
    std::size_t tokens = 0;
    for (const auto& line : lines) {
        joined += line["message"]["content"].get<std::string>();
        if (line.contains("logprobs")) tokens += line["logprobs"].size();
    }
    EXPECT_EQ(joined, huge);
    EXPECT_EQ(tokens, 3'000U);
}

TEST(OllamaEncode, TimesAddUpAndCountsAreNeverBothMissing) {  // C48, wire 3.5
    const auto encoder = make_ollama_encoder({Shape::kChat, Delivery::kSingle, "m"});
    std::string out;
    Timings none;
    none.now = timings().now;
    ASSERT_FALSE(encoder->encode({Text{"a"}, Text{"b"}, Finished{}, Ended{}}, none, out));
    const json answer = json::parse(out);
    EXPECT_EQ(answer["eval_count"], 2);
    EXPECT_GE(answer["load_duration"], 1);
    EXPECT_GE(answer["prompt_eval_duration"], 1);
    EXPECT_GE(answer["eval_duration"], 1000);
    EXPECT_GE(answer["total_duration"].get<int>(), answer["load_duration"].get<int>() +
                                                       answer["prompt_eval_duration"].get<int>() +
                                                       answer["eval_duration"].get<int>());
}

TEST(OllamaEncode, AnEndWithoutFinishIsAFailure) {
    EXPECT_TRUE(make_ollama_encoder({})->streaming());
    std::string out;
    EXPECT_TRUE(make_ollama_encoder({})->encode({Text{"a"}, Ended{}}, timings(), out));
}

TEST(OllamaEncode, EmbeddingsAreCutAndNormalised) {  // C49, C51
    const Vectors vectors{{{3, 4, 12}, {0, 0, 0}}};
    std::string out;
    const auto embed = make_ollama_embed_encoder({OllamaEmbedEncoding::Shape::kEmbed, "m", 2});
    ASSERT_FALSE(embed->encode({vectors, counts(8, 0), Ended{}}, timings(), out));
    EXPECT_EQ(
        out,
        R"({"model":"m","embeddings":[[0.6,0.8],[0,0]],"total_duration":51000000,"load_duration":1200000,"prompt_eval_count":8})");
    out.clear();
    const auto embeddings =
        make_ollama_embed_encoder({OllamaEmbedEncoding::Shape::kEmbeddings, "m", std::nullopt});
    ASSERT_FALSE(embeddings->encode({Vectors{{{3, 4}}}, Ended{}}, timings(), out));
    EXPECT_EQ(out, R"({"embedding":[0.6,0.8]})");
    EXPECT_EQ(ollama_empty_embedding(OllamaEmbedEncoding::Shape::kEmbed, "m"),
              R"({"model":"m","embeddings":[]})");
    EXPECT_EQ(ollama_empty_embedding(OllamaEmbedEncoding::Shape::kEmbeddings, "m"),
              R"({"embedding":[]})");
}

TEST(OllamaEncode, LoadObjects) {  // recordings generate_load, chat_unload
    const WallTime now = timings().now.wall;
    EXPECT_EQ(ollama_load_object(Shape::kGenerate, "m", now, FinishReason::kLoad, {}),
              R"({"model":"m",)" + kAt + R"(,"response":"","done":true,"done_reason":"load"})");
    EXPECT_EQ(
        ollama_load_object(Shape::kChat, "m", now, FinishReason::kUnload, {}),
        R"({"model":"m",)" + kAt +
            R"(,"message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"})");
}

}  // namespace
}  // namespace segue::llm
