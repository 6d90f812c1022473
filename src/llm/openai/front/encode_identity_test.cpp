// What the stream encoder writes, the decoder of OpenAI engines reads back unchanged, whatever the
// events and wherever the bytes are cut.
#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "llm/openai/engine/decode_stream.hpp"
#include "llm/openai/front/encode.hpp"

namespace segue::llm {
namespace {

std::string random_text(Random& random) {
    static constexpr const char* kPieces[] = {
        "a", "\"", "\\", "\n", "é", "日", "😀", "<", "/", "\xe2\x80\xa8", "data: [DONE]", " "};
    std::string text = kPieces[random.below(std::size(kPieces))];
    for (std::uint64_t more = random.below(4); more > 0; --more)
        text += kPieces[random.below(std::size(kPieces))];
    return text;
}

/// One choice: reasoning, text, calls; then the end. Canonical: fragments are not empty, ids come
/// first.
Events random_answer(Random& random) {
    Events events{Started{}};
    for (std::uint64_t n = random.below(3); n > 0; --n)
        events.emplace_back(Reasoning{random_text(random)});
    for (std::uint64_t n = random.below(4); n > 0; --n)
        events.emplace_back(Text{random_text(random)});
    const std::uint64_t calls = random.below(3);
    for (std::uint32_t call = 0; call < calls; ++call) {
        events.emplace_back(
            ToolCallDelta{call, "call_" + std::to_string(call), "f", "{\"x\":\"", 0});
        events.emplace_back(ToolCallDelta{call, "", "", "é<\"}", 0});
    }
    const FinishReason plain = random.below(2) == 0 ? FinishReason::kStop : FinishReason::kLength;
    events.emplace_back(Finished{calls > 0 ? FinishReason::kToolCalls : plain, "", 0});
    Usage usage;
    usage.prompt_tokens = static_cast<std::int64_t>(random.below(1000));
    usage.completion_tokens = static_cast<std::int64_t>(random.below(1000));
    events.emplace_back(usage);
    events.emplace_back(Ended{});
    return events;
}

TEST(OpenAiChatStream, DecodesToWhatWasEncoded) {
    Random random(20261123);
    for (int round = 0; round < 300; ++round) {
        const Events events = random_answer(random);
        OpenAiAnswerOptions options;
        options.model = "Mine";
        options.include_usage = true;
        auto encoder = make_openai_chat_stream_encoder(options);
        std::string bytes;
        ASSERT_FALSE(encoder->encode(events, {}, bytes));

        openai_engine::DecoderOptions reading;
        reading.target.profile = std::make_shared<Profile>();
        reading.target.traits = std::make_shared<EngineTraits>();
        openai_engine::StreamDecoder decoder(reading);
        Events read;
        const std::size_t cut = random.below(bytes.size());
        decoder.feed(std::string_view(bytes).substr(0, cut), read);
        decoder.feed(std::string_view(bytes).substr(cut), read);
        decoder.end(read);
        ASSERT_EQ(read, events) << bytes;
    }
}

}  // namespace
}  // namespace segue::llm
