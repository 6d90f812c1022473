// Every line reader takes any bytes: segments stay in order and inside the text.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/read/token.hpp"
#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace segue::audit;
    if (size < 2 || size > 65536) return 0;
    static constexpr std::array kNames{"a.py",       "a.ts",
                                       "a.vue",      "a.go",
                                       "a.rs",       "a.sh",
                                       "a.sql",      "a.yaml",
                                       "a.json",     "a.toml",
                                       "a.ini",      ".env",
                                       "Dockerfile", "Makefile",
                                       "nginx.conf", "a.md",
                                       "a.html",     "a.ipynb",
                                       "a.cs",       "a.java",
                                       ".gitignore", "requirements.txt"};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    const Source source(kNames[data[0] % kNames.size()], std::move(text));
    const auto segments = read_segments(source);
    std::uint32_t last = 0;
    for (const auto& segment : segments.list) {
        SEGUE_CHECK(segment.begin >= last && segment.begin < segment.end &&
                    segment.end <= source.text().size());
        SEGUE_CHECK(segment.path < segments.paths.size());
        last = segment.end;
    }
    const auto tokens = find_tokens(source, segments);
    SEGUE_CHECK(tokens.empty() || may_hold_tokens(source.text()));
    for (const auto& token : tokens) {
        SEGUE_CHECK(token.begin < token.end && token.end <= source.text().size());
        SEGUE_CHECK(token.segment < segments.list.size());
    }
    return 0;
}
