// Any bytes, cut anywhere, give the same events, and exactly one end.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.hpp"
#include "llm/openai/engine/decode_stream.hpp"

namespace {

using segue::llm::Events;

Events decode(std::string_view bytes, std::size_t step) {
    segue::llm::openai_engine::DecoderOptions options;
    options.target.profile = std::make_shared<segue::llm::Profile>();
    options.target.traits = std::make_shared<segue::llm::EngineTraits>();
    options.max_event_bytes = 1 << 20;
    options.want_token_ids = true;
    segue::llm::openai_engine::StreamDecoder decoder(std::move(options));
    Events events;
    for (std::size_t at = 0; at < bytes.size(); at += step)
        decoder.feed(bytes.substr(at, step), events);
    decoder.end(events);
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 65536) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t step = std::size_t{1} + data[0] % 16;
    const Events whole = decode(bytes, bytes.size());
    SEGUE_CHECK(whole == decode(bytes, step));
    std::size_t ends = 0;
    for (const auto& event : whole) {
        ends += std::holds_alternative<segue::llm::Ended>(event) ||
                        std::holds_alternative<segue::llm::Failed>(event)
                    ? 1
                    : 0;
    }
    SEGUE_CHECK(ends == 1);
    return 0;
}
