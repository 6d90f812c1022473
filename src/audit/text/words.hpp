/// Tables of words, written as text and sorted while compiling:
/// `constexpr auto kVerbs = words<3>("get post put");`. The count is checked, so that a table does
/// not change by accident. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace segue::audit {

template <std::size_t Count>
consteval std::array<std::string_view, Count> words(std::string_view text) {
    std::array<std::string_view, Count> out;
    std::size_t used = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        if (end > at) out.at(used++) = text.substr(at, end - at);  // too many do not compile
        at = end + 1;
    }
    if (used != Count) throw "the table holds fewer words than it says";
    std::sort(out.begin(), out.end());
    return out;
}

/// In a table made by words().
constexpr bool holds(std::span<const std::string_view> table, std::string_view word) {
    return std::binary_search(table.begin(), table.end(), word);
}

}  // namespace segue::audit
