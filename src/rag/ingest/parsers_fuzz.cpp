// Every parser over arbitrary bytes: the first byte chooses the format. What comes out must be
// valid UTF-8, survive the way to the parent process, and be cut without losing code points.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/text.hpp"
#include "rag/ingest/block_wire.hpp"
#include "rag/ingest/parsers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace segue;
    if (size < 1) return 0;
    const auto format = static_cast<rag::Format>(data[0] % 12);
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    static_cast<void>(rag::format_of("x.md", bytes));
    const auto parsed = rag::parse(format, "x.cpp", bytes);
    if (!parsed) return 0;
    const auto back = rag::decode_parsed(rag::encode_parsed(parsed));
    SEGUE_CHECK(back.has_value() && back->blocks.size() == parsed->blocks.size());
    for (const auto& passage : rag::cut(*parsed)) {
        SEGUE_CHECK(is_valid_utf8(passage.body));
        SEGUE_CHECK(!passage.body.empty());
    }
    static_cast<void>(rag::decode_parsed(bytes));
    return 0;
}
