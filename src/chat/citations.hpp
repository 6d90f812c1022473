/// Finds the marks [1], [2, 3] that a model put into its answer, and checks each against the
/// passage it names: the number exists, and the sentence before the mark has enough words in common
/// with the passage. A check of what the model claims, not a source of marks. Pure.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "chat/types.hpp"

namespace segue::chat {

/// Marks in code, and [1](links), are none. In order of their places.
std::vector<Citation> check_citations(std::string_view text, std::span<const Source> sources);

/// Share of the sentence's telling words that a passage must have.
inline constexpr double kEnoughInCommon = 0.34;

}  // namespace segue::chat
