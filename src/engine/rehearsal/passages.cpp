#include "engine/rehearsal/passages.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::array<std::string_view, 46> kEmptyWords{
    "the",   "and",  "for",  "are",    "was",  "what",  "which", "who",  "how",   "when",
    "where", "why",  "does", "did",    "has",  "have",  "had",   "can",  "could", "will",
    "would", "you",  "your", "our",    "this", "that",  "with",  "from", "about", "into",
    "not",   "but",  "its",  "there",  "they", "them",  "than",  "then", "any",   "all",
    "much",  "many", "tell", "please", "give", "should"};
// How instructions begin; a paragraph like that is no passage.
constexpr std::array<std::string_view, 11> kInstructions{"you are", "answer",  "use ",  "do not",
                                                         "only ",   "if ",     "when ", "cite",
                                                         "reply",   "respond", "your "};
constexpr std::size_t kShortestPassage = 30;

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

template <class Sink>
void each_word(std::string_view text, Sink&& sink) {
    std::size_t at = 0;
    while (at < text.size()) {
        while (at < text.size() && !is_word_byte(text[at]))
            ++at;
        std::size_t end = at;
        while (end < text.size() && is_word_byte(text[end]))
            ++end;
        if (end > at) sink(text.substr(at, end - at), at);
        at = end;
    }
}

/// Paragraphs: runs of lines between blank lines; a line that begins with a mark "[n]" begins one,
/// too.
std::vector<std::string_view> paragraphs(std::string_view text) {
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    const auto close = [&](std::size_t end) {
        const std::string_view paragraph = trim(text.substr(begin, end - begin));
        if (!paragraph.empty()) out.push_back(paragraph);
        begin = end;
    };
    std::size_t line = 0;
    while (line < text.size()) {
        std::size_t end = text.find('\n', line);
        end = end == std::string_view::npos ? text.size() : end + 1;
        const std::string_view content = trim(text.substr(line, end - line));
        if (content.empty() || content[0] == '[' || istarts_with(content, "question:")) close(line);
        line = end;
    }
    close(text.size());
    return out;
}

Passage make_passage(std::string_view paragraph) {
    Passage out;
    if (paragraph[0] == '[') {
        const std::size_t close = paragraph.find(']');
        if (close != std::string_view::npos && close <= 8) {
            out.mark = paragraph.substr(0, close + 1);
            paragraph = trim(paragraph.substr(close + 1));
        }
    }
    out.text = paragraph;
    return out;
}

bool is_instruction(std::string_view paragraph) {
    return std::any_of(kInstructions.begin(), kInstructions.end(),
                       [&](std::string_view start) { return istarts_with(paragraph, start); });
}

std::vector<std::string_view> sentences(std::string_view text) {
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool stops = text[i] == '\n' ||
                           ((text[i] == '.' || text[i] == '!' || text[i] == '?') &&
                            (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n'));
        if (!stops && i + 1 != text.size()) continue;
        const std::string_view sentence = trim(text.substr(begin, i + 1 - begin));
        if (!sentence.empty()) out.push_back(sentence);
        begin = i + 1;
    }
    return out;
}

double overlap(const std::vector<std::string>& wanted, std::string_view sentence) {
    const std::vector<std::string> words = meaning_words(sentence);
    double score = 0;
    for (const std::string& word : wanted) {
        // Long words are rarer than short ones, and say more.
        if (std::find(words.begin(), words.end(), word) != words.end()) {
            score += 1.0 + static_cast<double>(word.size()) / 10.0;
        }
    }
    // Of two sentences with the same words the shorter one is the better answer.
    return score > 0 ? score - static_cast<double>(words.size()) / 1000.0 : 0;
}

}  // namespace

std::vector<std::string> meaning_words(std::string_view text) {
    std::vector<std::string> out;
    each_word(text, [&](std::string_view word, std::size_t) {
        std::string lower = to_lower(word);
        const bool is_empty =
            std::find(kEmptyWords.begin(), kEmptyWords.end(), lower) != kEmptyWords.end();
        const bool is_number = lower[0] >= '0' && lower[0] <= '9';
        if (is_empty || (lower.size() < 3 && !is_number)) return;
        if (lower.size() > 3 && lower.back() == 's') lower.pop_back();
        if (std::find(out.begin(), out.end(), lower) == out.end()) out.push_back(std::move(lower));
    });
    return out;
}

std::vector<std::string> capitalised_words(std::string_view text) {
    std::vector<std::string> out;
    bool is_first = true;
    each_word(text, [&](std::string_view word, std::size_t) {
        const bool is_name = word[0] >= 'A' && word[0] <= 'Z' && word.size() > 1;
        const std::string_view upper_json = "JSON";
        if (is_name && !is_first && word != upper_json &&
            std::find(out.begin(), out.end(), word) == out.end()) {
            out.emplace_back(word);
        }
        is_first = false;
    });
    return out;
}

std::string question_of(const Prompt& prompt) {
    const std::string_view asked = last_question(prompt);
    const std::vector<std::string_view> parts = paragraphs(asked);
    if (parts.empty()) return {};
    std::string_view question = parts.back();
    // A short question may stand before its context as well.
    if (question.find('?') == std::string_view::npos) {
        for (std::string_view part : parts) {
            if (part.ends_with('?') && part.size() < 300) question = part;
        }
    }
    if (istarts_with(question, "question:")) question = trim(question.substr(9));
    return std::string(question);
}

std::vector<Passage> find_passages(const Prompt& prompt) {
    const std::string question = question_of(prompt);
    std::vector<Passage> out;
    for (const PromptMessage& message : prompt.messages) {
        if (message.role == "assistant") continue;
        for (std::string_view paragraph : paragraphs(message.content)) {
            if (paragraph == question || istarts_with(paragraph, "question:")) continue;
            for (std::string_view label : {"context:", "passages:", "documents:", "sources:"}) {
                if (istarts_with(paragraph, label))
                    paragraph = trim(paragraph.substr(label.size()));
            }
            if (paragraph.empty()) continue;
            Passage passage = make_passage(paragraph);
            if (passage.text.size() < kShortestPassage && passage.mark.empty()) continue;
            if (passage.mark.empty() && is_instruction(passage.text)) continue;
            out.push_back(std::move(passage));
        }
    }
    return out;
}

std::string answer_from_passages(const std::vector<Passage>& passages, std::string_view question) {
    const std::vector<std::string> wanted = meaning_words(question);
    struct Candidate {
        std::string_view sentence;
        const Passage* passage = nullptr;
        double score = 0;
    };
    Candidate best;
    Candidate second;
    for (const Passage& passage : passages) {
        for (std::string_view sentence : sentences(passage.text)) {
            // A question answers nothing, and neither does a place in brackets ("(Handbook › 2)").
            if (sentence.ends_with('?') || (sentence.front() == '(' && sentence.back() == ')'))
                continue;
            const Candidate candidate{sentence, &passage, overlap(wanted, sentence)};
            if (candidate.score > best.score) {
                second = best;
                best = candidate;
            } else if (candidate.score > second.score) {
                second = candidate;
            }
        }
    }
    if (!best.passage) return {};
    const auto cite = [](const Candidate& candidate) {
        std::string out(candidate.sentence);
        if (!candidate.passage->mark.empty()) out += " " + candidate.passage->mark;
        return out;
    };
    std::string out = cite(best);
    if (second.passage && second.score > 0.7 * best.score && second.sentence != best.sentence) {
        out += " " + cite(second);
    }
    return out;
}

}  // namespace segue::engine::rehearsal
