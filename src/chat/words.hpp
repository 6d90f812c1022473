/// Words that carry meaning, for comparing a sentence with a passage: lower case, without the
/// commonest endings; ideographs and kana in pairs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace segue::chat {

/// Each word once, in order. Numbers are words; common English and German function words are not.
std::vector<std::string> telling_words(std::string_view text);

}  // namespace segue::chat
