// Evidence files come from other people: whatever they hold, checking them ends in a verdict, and
// canonical JSON is its own canonical form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "evidence/canonical_json.hpp"
#include "evidence/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto once = segue::evidence::canonical_json(text);
    if (once) {
        const auto twice = segue::evidence::canonical_json(*once);
        if (!twice || *twice != *once) std::abort();
    }
    const auto verdict = segue::evidence::verify(text, {}, segue::FakeClock().wall());
    // Nobody but the holder of a key makes a file that is authentic.
    if (verdict.authentic() && !verdict.signer) std::abort();
    return 0;
}
