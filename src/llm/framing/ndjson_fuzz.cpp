// Any bytes, cut anywhere, give the same lines.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "llm/framing/ndjson.hpp"

namespace {

std::vector<std::string> read(std::string_view bytes, std::size_t step) {
    segue::llm::LineSplitter splitter(1 << 20);
    std::vector<std::string> out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        std::vector<std::string_view> lines;
        SEGUE_CHECK(splitter.feed(bytes.substr(at, step), lines));
        out.insert(out.end(), lines.begin(), lines.end());
    }
    out.emplace_back(splitter.rest());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 65536) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t step = std::size_t{1} + data[0] % 16;
    SEGUE_CHECK(read(bytes, bytes.size()) == read(bytes, step));
    return 0;
}
