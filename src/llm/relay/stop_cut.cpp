#include "llm/relay/stop_cut.hpp"

#include <algorithm>
#include <utility>

namespace segue::llm {

std::string StopCut::feed(std::string_view text) {
    if (met_) return {};
    held_ += text;
    std::size_t first = std::string::npos;
    for (const std::string& stop : *stops_) {
        const std::size_t found = held_.find(stop);
        if (found < first) {
            first = found;
            met_ = stop;
        }
    }
    if (met_) {
        std::string before = held_.substr(0, first);
        held_.clear();
        return before;
    }
    std::size_t keep = 0;
    for (const std::string& stop : *stops_) {
        for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > keep;
             --length) {
            if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, length))) {
                keep = length;
            }
        }
    }
    std::string ready = held_.substr(0, held_.size() - keep);
    held_.erase(0, ready.size());
    return ready;
}

std::string StopCut::flush() {
    return met_ ? std::string() : std::exchange(held_, {});
}

}  // namespace segue::llm
