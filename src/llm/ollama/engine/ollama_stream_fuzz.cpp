// Any bytes, cut anywhere, give the same events, and the last one is Ended or Failed.
#include "llm/ollama/engine/decode_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/check.hpp"

namespace {

segue::llm::Events read(std::string_view bytes, std::size_t step) {
    segue::llm::ollama::DecoderOptions options;
    options.target.engine = "old";
    options.target.served_model = "served";
    options.target.profile = std::make_shared<segue::llm::Profile>();
    options.target.traits = std::make_shared<segue::llm::EngineTraits>();
    segue::llm::ollama::StreamDecoder decoder(std::move(options));
    segue::llm::Events events;
    for (std::size_t at = 0; at < bytes.size(); at += step)
        decoder.feed(bytes.substr(at, step), events);
    decoder.end(events);
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 65536) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto whole = read(bytes, bytes.size());
    SEGUE_CHECK(whole == read(bytes, std::size_t{1} + data[0] % 16));
    SEGUE_CHECK(std::holds_alternative<segue::llm::Ended>(whole.back()) ||
                std::holds_alternative<segue::llm::Failed>(whole.back()));
    return 0;
}
