/// What kind of text a byte of a file stands in: code, string, comment, key, value, prose. The
/// audit's line readers say so. Made once a file and stage.
#pragma once

#include <algorithm>
#include <vector>

#include "audit/read/segments.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite {

using audit::Region;

class Regions {
public:
    explicit Regions(const File& file)
        : segments_(audit::read_segments(audit::Source(file.path, file.text))) {}
    /// Code where no reader claims the place.
    Region at(std::size_t offset) const {
        const auto* const segment = segment_at(offset);
        return segment == nullptr ? Region::kCode : segment->region;
    }
    const audit::Segment* segment_at(std::size_t offset) const {
        const auto& list = segments_.list;
        auto next = std::upper_bound(
            list.begin(), list.end(), offset,
            [](std::size_t at, const audit::Segment& segment) { return at < segment.begin; });
        if (next == list.begin()) return nullptr;
        --next;
        return offset < next->end ? &*next : nullptr;
    }

private:
    audit::Segments segments_;
};

}  // namespace segue::rewrite
