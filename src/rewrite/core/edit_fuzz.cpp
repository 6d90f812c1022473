// Random edits over random texts: what settle() keeps never meets, and all other bytes survive.
#include <cstdint>
#include <cstdlib>

#include "rewrite/core/diff.hpp"
#include "rewrite/core/edit.hpp"

using namespace segue::rewrite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t count = data[0] % 16;
    std::vector<Edit> edits;
    std::size_t at = 1;
    for (std::size_t i = 0; i < count && at + 3 < size; ++i, at += 4)
        edits.push_back({data[at], static_cast<std::size_t>(data[at] + data[at + 1] % 32),
                         std::string(data[at + 2] % 4, 'x'), 0, data[at + 3] % 8U});
    const std::string text(reinterpret_cast<const char*>(data) + at, size - at);
    (void)settle(text.size(), edits);
    const auto out = apply_edits(text, edits);
    std::size_t from = 0;
    std::size_t place = 0;
    for (const auto& edit : edits) {
        if (edit.start < from || edit.end > text.size()) std::abort();
        if (out.compare(place, edit.start - from, text, from, edit.start - from) != 0) std::abort();
        place += edit.start - from + edit.text.size();
        from = edit.end;
    }
    if (out.substr(place) != text.substr(from)) std::abort();
    (void)patch_of({"a", "a", text, out});
    return 0;
}
