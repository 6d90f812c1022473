#include <algorithm>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "rag/ingest/block.hpp"

namespace segue::rag {
namespace {

constexpr std::size_t kTarget = 300;
constexpr std::size_t kMost = 380;         // a paragraph that still fits stays whole
constexpr std::size_t kMostCode = 600;     // a function is worth more room
constexpr std::size_t kLongestWord = 400;  // bytes; longer runs without a space are cut

bool is_word_byte(unsigned char c) {
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Where a piece of `text` that starts at `from` should end: at most `budget` tokens further, after
/// a sentence if there is one in the second half, else after a word.
std::size_t piece_end(std::string_view text, std::size_t from, std::size_t budget,
                      bool lines_only) {
    std::size_t tokens = 0;
    std::size_t at = from;
    std::size_t sentence = 0;
    std::size_t word = 0;
    std::size_t line = 0;
    while (at < text.size()) {
        std::size_t next = at + 1;
        const auto c = static_cast<unsigned char>(text[at]);
        if (is_word_byte(c)) {
            while (next < text.size() && is_word_byte(static_cast<unsigned char>(text[next])) &&
                   (next - at < kLongestWord || continues_code_point(text[next])))
                ++next;
        }
        const std::size_t cost = estimated_tokens(text.substr(at, next - at));
        if (tokens + cost > budget && at > from) break;
        tokens += cost;
        at = next;
        if (c == '\n') line = at;
        if (c == ' ' || c == '\n' || c == '\t') word = at;
        const bool ends = (c == '.' || c == '!' || c == '?') &&
                          (at == text.size() || text[at] == ' ' || text[at] == '\n');
        if ((ends || c == '\n') && tokens > budget / 2) sentence = at;
        // Chinese and Japanese sentences end without a space.
        if (c >= 0x80 && tokens > budget / 2 && at >= 3 &&
            (text.substr(at - 3, 3) == "。" || text.substr(at - 3, 3) == "！" ||
             text.substr(at - 3, 3) == "？"))
            sentence = at;
    }
    if (at == text.size()) return at;
    if (lines_only && line > from) return line;
    if (sentence > from) return sentence;
    if (word > from) return word;
    return at;
}

int lines_in(std::string_view text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

class Cutter {
public:
    std::vector<Passage> run(const Parsed& parsed) {
        for (const auto& block : parsed.blocks)
            add(block);
        flush();
        return std::move(passages_);
    }

private:
    void add(const Block& block) {
        switch (block.kind) {
            case Block::Kind::kHeading: return add_heading(block);
            case Block::Kind::kTable: return add_table(block);
            case Block::Kind::kCode: return add_text(block, kMostCode, true);
            case Block::Kind::kParagraph: return add_text(block, kMost, false);
        }
    }

    void add_heading(const Block& block) {
        flush();
        while (!headings_.empty() && headings_.back().first >= block.level)
            headings_.pop_back();
        std::string text(trim(block.text));
        std::replace(text.begin(), text.end(), '\n', ' ');
        if (!text.empty()) headings_.emplace_back(block.level, std::move(text));
    }

    void add_text(const Block& block, std::size_t most, bool lines_only) {
        const std::size_t tokens = estimated_tokens(block.text);
        if (tokens_ > 0 && tokens_ + tokens > kTarget) flush();
        if (block.place.page != current_.place.page && tokens_ > 0) flush();
        if (tokens <= most) return append(block.text, block.place, tokens);
        // Pieces of about the same size, instead of full ones and a rest of a line.
        const std::size_t count = (tokens + kTarget - 1) / kTarget;
        const std::size_t budget = std::min(kTarget, tokens / count + 20);
        int line = block.place.first_line;
        for (std::size_t from = 0; from < block.text.size();) {
            const std::size_t end = piece_end(block.text, from, budget, lines_only);
            const auto piece = std::string_view(block.text).substr(from, end - from);
            Place place = block.place;
            // A block that stands on fewer lines than its text has was written otherwise.
            if (line > 0 &&
                block.place.last_line - block.place.first_line >= lines_in(block.text)) {
                place.first_line = line;
                place.last_line = std::min(line + lines_in(piece), block.place.last_line);
                line += lines_in(piece);
            }
            append(piece, place, estimated_tokens(piece));
            flush();
            from = end;
        }
    }

    void add_table(const Block& block) {
        const auto rows = split(block.text, '\n');
        const std::string_view header = rows.front();
        const std::size_t header_tokens = estimated_tokens(header);
        if (tokens_ > 0 && tokens_ + estimated_tokens(block.text) > kTarget) flush();
        const bool by_line =
            block.place.first_line > 0 &&
            block.place.last_line - block.place.first_line + 1 >= static_cast<int>(rows.size());
        bool with_header = false;
        for (std::size_t i = 1; i < rows.size() || i == 1; ++i) {
            const std::string_view row = i < rows.size() ? rows[i] : std::string_view{};
            const std::size_t tokens = estimated_tokens(row);
            if (with_header && tokens_ + tokens > kTarget) {
                flush();
                with_header = false;
            }
            Place place = block.place;
            if (by_line) {
                const int line = block.place.last_line - static_cast<int>(rows.size() - 1 - i);
                place.first_line = place.last_line = line;
            }
            // The header of a later passage stands elsewhere: the place is that of its rows.
            Place of_header = place;
            if (i == 1) of_header.first_line = block.place.first_line;
            if (!with_header) append(header, of_header, header_tokens);
            with_header = true;
            if (tokens > kMost) {
                // One monstrous row: its pieces go without the header.
                Block paragraph{Block::Kind::kParagraph, 0, std::string(row), place};
                add_text(paragraph, kMost, false);
            } else if (!row.empty()) {
                append(row, place, tokens);
            }
        }
    }

    void append(std::string_view text, const Place& place, std::size_t tokens) {
        text = trim_end(text);
        if (trim(text).empty()) return;
        if (current_.body.empty()) {
            current_.place = place;
        } else {
            current_.body += '\n';
            if (place.first_line > 0 && current_.place.first_line == 0)
                current_.place.first_line = place.first_line;
            current_.place.last_line = std::max(current_.place.last_line, place.last_line);
        }
        current_.body += text;
        tokens_ += std::max<std::size_t>(tokens, 1);
    }

    void flush() {
        if (!trim(current_.body).empty()) {
            for (const auto& [level, text] : headings_)
                current_.heading.push_back(text);
            passages_.push_back(std::move(current_));
        }
        current_ = {};
        tokens_ = 0;
    }

    static std::string_view trim_end(std::string_view text) {
        while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\t'))
            text.remove_suffix(1);
        while (!text.empty() && text.front() == '\n')
            text.remove_prefix(1);
        return text;
    }

    std::vector<Passage> passages_;
    std::vector<std::pair<int, std::string>> headings_;
    Passage current_;
    std::size_t tokens_ = 0;
};

}  // namespace

std::size_t estimated_tokens(std::string_view text) {
    std::size_t tokens = 0;
    std::size_t letters = 0;  // of the word so far
    const auto end_word = [&] {
        if (letters > 0) tokens += 1 + (letters - 1) / 8;
        letters = 0;
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x80) {
            if (is_word_byte(c)) {
                ++letters;
            } else {
                end_word();
                if (c > ' ') ++tokens;
            }
            ++i;
            continue;
        }
        const std::size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        // Two bytes: accented letters and alphabets of words; more: a character is a token.
        if (length == 2) {
            letters += 2;
        } else {
            end_word();
            ++tokens;
        }
        i += length;
    }
    end_word();
    return tokens;
}

std::vector<Passage> cut(const Parsed& parsed) {
    return Cutter().run(parsed);
}

std::string clean_text(std::string_view text) {
    std::string valid = replace_invalid_utf8(text);
    std::string out;
    out.reserve(valid.size());
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const auto c = static_cast<unsigned char>(valid[i]);
        if (c == '\r') {
            if (i + 1 >= valid.size() || valid[i + 1] != '\n') out += '\n';
        } else if (c == '\n') {
            while (!out.empty() && (out.back() == ' ' || out.back() == '\t'))
                out.pop_back();
            out += '\n';
        } else if (c == '\t' || c >= 32) {
            if (c != 0x7F) out += static_cast<char>(c);
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    return out;
}

}  // namespace segue::rag
