/// Stop strings that the engine does not take (vLLM refuses more than four): matched in a relay's
/// text, whatever pieces it comes in. One object for one choice.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::llm {

class StopCut {
public:
    /// `stops` must hold no empty string and outlive the object.
    explicit StopCut(const std::vector<std::string>& stops) : stops_(&stops) {}

    /// Text that may go on now. What could be the beginning of a stop string is held back.
    std::string feed(std::string_view text);
    /// No more text comes: what was held back.
    std::string flush();
    /// The stop string that was met; everything after it is dropped.
    const std::optional<std::string>& met() const { return met_; }

private:
    const std::vector<std::string>* stops_;
    std::string held_;
    std::optional<std::string> met_;
};

}  // namespace segue::llm
