#include "chat/citations.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/utf8.hpp"
#include "chat/words.hpp"

namespace segue::chat {
namespace {

constexpr std::size_t kLongestMark = 40;
constexpr int kHighestNumber = 999;
constexpr std::size_t kFewWords = 2;  // fewer say nothing: the sentence before counts, too

struct Mark {
    std::size_t begin = 0;  // bytes
    std::size_t end = 0;
    std::vector<int> numbers;
};

/// "[1]", "[2, 3]", "[4,5]" at `at`; nothing else in brackets is a mark.
std::optional<Mark> mark_at(std::string_view text, std::size_t at) {
    Mark mark{at, at + 1, {}};
    const std::size_t limit = std::min(text.size(), at + kLongestMark);
    bool wants_number = true;
    while (mark.end < limit) {
        const char c = text[mark.end];
        if (c >= '0' && c <= '9' && wants_number) {
            int number = 0;
            while (mark.end < limit && text[mark.end] >= '0' && text[mark.end] <= '9') {
                number = std::min(number * 10 + (text[mark.end] - '0'), kHighestNumber + 1);
                ++mark.end;
            }
            if (number > kHighestNumber) return std::nullopt;
            mark.numbers.push_back(number);
            wants_number = false;
        } else if (c == ',' && !wants_number) {
            wants_number = true;
            ++mark.end;
        } else if (c == ' ') {
            ++mark.end;
        } else if (c == ']' && !wants_number) {
            ++mark.end;
            const char next = mark.end < text.size() ? text[mark.end] : ' ';
            if (next == '(' || next == ':') return std::nullopt;  // a Markdown link or its target
            return mark;
        } else {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

/// Marks outside of code: fences of ``` or ~~~, and spans of backticks.
std::vector<Mark> find_marks(std::string_view text) {
    std::vector<Mark> marks;
    char fence = 0;
    bool line_begins = true;
    for (std::size_t at = 0; at < text.size();) {
        if (line_begins) {
            line_begins = false;
            std::size_t first = at;
            while (first < text.size() && (text[first] == ' ' || text[first] == '\t'))
                ++first;
            const auto rest = text.substr(first);
            for (const char c : {'`', '~'})
                if (rest.size() >= 3 && rest[0] == c && rest[1] == c && rest[2] == c &&
                    (fence == 0 || fence == c)) {
                    fence = fence ? 0 : c;
                    at = std::min(text.find('\n', first), text.size());
                    break;
                }
            if (at >= text.size()) break;
        }
        const char c = text[at];
        if (c == '\n') {
            line_begins = true;
            ++at;
        } else if (fence != 0) {
            ++at;
        } else if (c == '`') {
            std::size_t run = at;
            while (run < text.size() && text[run] == '`')
                ++run;
            const auto close = text.find(text.substr(at, run - at), run);
            const auto line = text.find("\n\n", run);
            at = close != std::string_view::npos && close < line ? close + (run - at) : run;
        } else if (c == '\\') {
            at += 2;
        } else if (c == '[') {
            if (auto mark = mark_at(text, at)) {
                at = mark->end;
                marks.push_back(std::move(*mark));
            } else {
                ++at;
            }
        } else {
            ++at;
        }
    }
    return marks;
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view ending) { return text.ends_with(ending); });
}

bool is_sentence_end(std::string_view up_to, char next) {
    if (ends_with_any(up_to, {"。", "！", "？", "\n"})) return true;
    return ends_with_any(up_to, {".", "!", "?"}) && (next == ' ' || next == '\n' || next == '[');
}

/// Where the sentence begins that ends at `end`.
std::size_t sentence_begin(std::string_view text, std::size_t end) {
    std::size_t at = end;
    // What the sentence itself ends with is not where it begins.
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\n' || text[at - 1] == '.' ||
                      text[at - 1] == '!' || text[at - 1] == '?'))
        --at;
    for (const std::string_view stop : {"。", "！", "？"})
        if (text.substr(0, at).ends_with(stop)) at -= stop.size();
    while (at > 0 && !is_sentence_end(text.substr(0, at), at < text.size() ? text[at] : ' '))
        --at;
    return at;
}

/// Without marks, which are no words of the sentence.
std::string plain(std::string_view text, const std::vector<Mark>& marks, std::size_t begin,
                  std::size_t end) {
    std::string out;
    std::size_t at = begin;
    for (const Mark& mark : marks) {
        if (mark.end <= begin || mark.begin >= end) continue;
        if (mark.begin > at) out.append(text.substr(at, mark.begin - at));
        out += ' ';
        at = std::max(at, std::min(mark.end, end));
    }
    if (at < end) out.append(text.substr(at, end - at));
    return out;
}

/// The words that a mark may stand for: of the sentence that it ends (or of more when that says
/// next to nothing: "Yes. [1]"), and of its last part where an earlier mark stands before it.
struct Claim {
    std::vector<std::string> sentence;
    std::vector<std::string> part;
};

Claim claim(std::string_view text, const std::vector<Mark>& marks, std::size_t which) {
    // [1][2] and [1] [2]: all of them stand for the same words.
    std::size_t end = marks[which].begin;
    std::size_t before = 0;
    for (std::size_t i = which; i > 0; --i) {
        before = marks[i - 1].end;
        const auto between = text.substr(before, end - before);
        if (between.find_first_not_of(' ') != std::string_view::npos) break;
        end = marks[i - 1].begin;
        before = 0;
    }
    Claim out;
    std::size_t begin = sentence_begin(text, end);
    if (before > begin && before < end) out.part = telling_words(text.substr(before, end - before));
    out.sentence = telling_words(plain(text, marks, begin, end));
    for (int more = 0; out.sentence.size() < kFewWords && begin > 0 && more < 2; ++more) {
        begin = sentence_begin(text, begin);
        out.sentence = telling_words(plain(text, marks, begin, end));
    }
    return out;
}

bool enough_in_common(const std::vector<std::string>& words,
                      const std::unordered_set<std::string>& passage) {
    const auto common = static_cast<double>(std::count_if(
        words.begin(), words.end(), [&](const auto& word) { return passage.contains(word); }));
    if (common == 0) return false;
    return common / static_cast<double>(words.size()) >= kEnoughInCommon;
}

/// Byte places, rising, as UTF-16 places.
class Utf16 {
public:
    explicit Utf16(std::string_view text) : text_(text) {}
    std::size_t at(std::size_t byte) {
        for (; byte_ < byte; ++byte_) {
            const auto c = static_cast<unsigned char>(text_[byte_]);
            // Broken bytes count as one each, as U+FFFD does.
            const auto follows = [&](std::size_t n) {
                return byte_ + n < text_.size() && continues_code_point(text_[byte_ + n]);
            };
            const bool pair = (c & 0xF8U) == 0xF0U && follows(1) && follows(2) && follows(3);
            if (!continues_code_point(text_[byte_])) units_ += pair ? 2 : 1;
        }
        return units_;
    }

private:
    std::string_view text_;
    std::size_t byte_ = 0;
    std::size_t units_ = 0;
};

}  // namespace

std::vector<Citation> check_citations(std::string_view text, std::span<const Source> sources) {
    std::vector<Citation> out;
    const auto marks = find_marks(text);
    std::vector<std::unordered_set<std::string>> passages(sources.size());
    Utf16 place(text);
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const std::size_t start = place.at(marks[i].begin);
        const std::size_t end = place.at(marks[i].end);
        const Claim words = claim(text, marks, i);
        for (const int n : marks[i].numbers) {
            Citation citation{n, start, end, Citation::Finding::kNoSuchSource};
            const auto found = std::find_if(sources.begin(), sources.end(),
                                            [&](const Source& source) { return source.n == n; });
            if (found != sources.end()) {
                auto& passage = passages[static_cast<std::size_t>(found - sources.begin())];
                if (passage.empty()) {
                    std::string all = found->title;
                    for (const auto& heading : found->heading)
                        all.append(" ").append(heading);
                    for (auto& word : telling_words(all + " " + found->text))
                        passage.insert(std::move(word));
                }
                citation.finding = enough_in_common(words.sentence, passage) ||
                                           enough_in_common(words.part, passage)
                                       ? Citation::Finding::kSupported
                                       : Citation::Finding::kNotEnoughInCommon;
            }
            out.push_back(citation);
        }
    }
    return out;
}

}  // namespace segue::chat
