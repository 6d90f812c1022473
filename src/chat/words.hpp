/// Words that carry meaning, for comparing a sentence with a passage: lower case, without the
/// commonest endings; ideographs and kana in pairs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace segue::chat {

/// Each word once, in order. Numbers are words; common English and German function words are not.
std::vector<std::string> telling_words(std::string_view text);

/// "And how much is it?" says too little to be searched for: the question before helps.
bool says_too_little(std::string_view question);
/// Such a question behind the one before it.
std::string behind(std::string_view question_before, std::string_view question);

}  // namespace segue::chat
