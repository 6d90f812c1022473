// Key sets and identity tokens come from a provider: any bytes end in a verdict, and without a key
// none is good.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "people/jwt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using segue::people::TokenKeys;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libFuzzer gives bytes
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto cut = text.find('\0');
    const auto keys = TokenKeys::parse(text.substr(0, cut));
    if (!keys || cut == std::string_view::npos) return 0;
    const auto verdict = keys->check(text.substr(cut + 1));
    SEGUE_CHECK(verdict != TokenKeys::Verdict::kGood || keys->size() > 0);
    return 0;
}
