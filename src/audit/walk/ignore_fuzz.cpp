// Any text is an ignore file, any text a path: nothing crashes, and matching stays fast.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/walk/ignore.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace segue::audit;
    if (size > 4096) return 0;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto cut = text.find('\0');
    const auto path =
        cut == std::string_view::npos ? std::string_view("a/b.txt") : text.substr(cut + 1);
    const auto file = IgnoreFile::parse(text.substr(0, cut), "");
    (void)file.match(path, Entry::kFile);
    (void)file.match(path, Entry::kFolder);
    (void)IgnoreFile::parse(text.substr(0, cut), "a").match(path, Entry::kFile);
    return 0;
}
