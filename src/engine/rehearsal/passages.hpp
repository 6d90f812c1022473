/// Finds the sentence of a prompt that answers its question best, by shared words. Pure. No
/// sentence is ever made up: what comes out stands in the prompt word for word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/rehearsal/prompt.hpp"

namespace segue::engine::rehearsal {

struct Passage {
    std::string mark;  // "[1]", as the prompt numbers it; may be empty
    std::string text;
};

/// The paragraphs of the prompt that are neither the question nor instructions.
std::vector<Passage> find_passages(const Prompt& prompt);
/// The question without the passages around it.
std::string question_of(const Prompt& prompt);
/// One or two sentences, then the marks of their passages: "Lunch is at noon. [2]". "" when nothing
/// fits.
std::string answer_from_passages(const std::vector<Passage>& passages, std::string_view question);

/// Lower-case words of three letters or more that carry meaning, without a plural s.
std::vector<std::string> meaning_words(std::string_view text);
/// Words that begin with a capital, the first word of the text left out: names, mostly.
std::vector<std::string> capitalised_words(std::string_view text);

}  // namespace segue::engine::rehearsal
