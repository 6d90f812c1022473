// The text is a model's: whatever it wrote, marks lie inside it, in order, and name what they say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "chat/citations.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    segue::chat::Source source;
    source.n = 1;
    source.text = text.substr(0, size / 2);
    const auto found = segue::chat::check_citations(text, {&source, 1});
    std::size_t before = 0;
    for (const auto& citation : found) {
        if (citation.start < before || citation.end <= citation.start || citation.end > size)
            std::abort();
        const bool exists = citation.n == 1;
        if (exists == (citation.finding == segue::chat::Citation::Finding::kNoSuchSource))
            std::abort();
        before = citation.start;
    }
    return 0;
}
