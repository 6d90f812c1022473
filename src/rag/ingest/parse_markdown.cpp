#include <md4c.h>

#include <algorithm>

#include "base/text.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

/// The offset of each line's first byte.
class Lines {
public:
    explicit Lines(std::string_view text) {
        starts_.push_back(0);
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '\n') starts_.push_back(i + 1);
    }
    /// 1 for the first line.
    int of(std::size_t offset) const {
        return static_cast<int>(std::upper_bound(starts_.begin(), starts_.end(), offset) -
                                starts_.begin());
    }

private:
    std::vector<std::size_t> starts_;
};

/// md4c calls back block by block; text pointers lie inside the source, which gives the lines.
class Markdown {
public:
    Markdown(std::string_view source, int first_line)
        : source_(source), lines_(source), first_line_(first_line) {}

    static int enter_block(MD_BLOCKTYPE type, void* detail, void* self) {
        static_cast<Markdown*>(self)->enter(type, detail);
        return 0;
    }
    static int leave_block(MD_BLOCKTYPE type, void*, void* self) {
        static_cast<Markdown*>(self)->leave(type);
        return 0;
    }
    static int enter_span(MD_SPANTYPE, void*, void*) { return 0; }
    static int leave_span(MD_SPANTYPE, void*, void*) { return 0; }
    static int text(MD_TEXTTYPE type, const MD_CHAR* bytes, MD_SIZE size, void* self) {
        static_cast<Markdown*>(self)->add(type, {bytes, size});
        return 0;
    }

    Parsed take() {
        finish();
        for (const auto& block : parsed_.blocks)
            if (block.kind == Block::Kind::kHeading && block.level == 1) {
                parsed_.title = block.text;
                break;
            }
        return std::move(parsed_);
    }

private:
    void enter(MD_BLOCKTYPE type, void* detail) {
        switch (type) {
            case MD_BLOCK_H:
                begin(Block::Kind::kHeading);
                current_.level = static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
                break;
            case MD_BLOCK_CODE: begin(Block::Kind::kCode); break;
            case MD_BLOCK_TABLE: begin(Block::Kind::kTable); break;
            case MD_BLOCK_P:
                if (items_ == 0) begin(Block::Kind::kParagraph);
                break;
            case MD_BLOCK_UL:
            case MD_BLOCK_OL:
                if (items_ == 0) begin(Block::Kind::kParagraph);
                ++items_;
                break;
            case MD_BLOCK_LI:
                new_line();
                current_.text.append(static_cast<std::size_t>(std::max(items_ - 1, 0)) * 2, ' ');
                current_.text += "- ";
                break;
            case MD_BLOCK_TR: new_line(); break;
            case MD_BLOCK_TH:
            case MD_BLOCK_TD:
                if (!current_.text.empty() && current_.text.back() != '\n') current_.text += " | ";
                break;
            case MD_BLOCK_DOC:
            case MD_BLOCK_QUOTE:
            case MD_BLOCK_HR:
            case MD_BLOCK_HTML:
            case MD_BLOCK_THEAD:
            case MD_BLOCK_TBODY: break;
        }
    }

    void leave(MD_BLOCKTYPE type) {
        switch (type) {
            case MD_BLOCK_UL:
            case MD_BLOCK_OL:
                if (--items_ == 0) finish();
                break;
            case MD_BLOCK_P:
                if (items_ == 0)
                    finish();
                else
                    new_line();
                break;
            case MD_BLOCK_H:
            case MD_BLOCK_CODE:
            case MD_BLOCK_TABLE:
                if (items_ == 0) finish();
                break;
            default: break;
        }
    }

    void add(MD_TEXTTYPE type, std::string_view text) {
        if (type == MD_TEXT_HTML) return;
        // std::less compares pointers of different objects too: replacement texts are md4c's own.
        const std::less_equal<const char*> before;
        if (before(source_.data(), text.data()) &&
            before(text.data() + text.size(), source_.data() + source_.size())) {
            const int line =
                lines_.of(static_cast<std::size_t>(text.data() - source_.data())) + first_line_ - 1;
            if (current_.place.first_line == 0) current_.place.first_line = line;
            current_.place.last_line = std::max(current_.place.last_line, line);
        }
        switch (type) {
            case MD_TEXT_BR:
            case MD_TEXT_SOFTBR: current_.text += items_ > 0 ? ' ' : '\n'; break;
            case MD_TEXT_NULLCHAR: current_.text += ' '; break;
            case MD_TEXT_ENTITY: current_.text += entity(text); break;
            default: current_.text += text;
        }
    }

    static std::string entity(std::string_view text) {
        if (text == "&amp;") return "&";
        if (text == "&lt;") return "<";
        if (text == "&gt;") return ">";
        if (text == "&quot;") return "\"";
        if (text == "&nbsp;") return " ";
        return std::string(text);
    }

    void new_line() {
        if (!current_.text.empty() && current_.text.back() != '\n') current_.text += '\n';
    }
    void begin(Block::Kind kind) {
        if (items_ > 0) return new_line();  // inside of a list all is one block
        finish();
        current_.kind = kind;
    }
    void finish() {
        if (!trim(current_.text).empty()) parsed_.blocks.push_back(std::move(current_));
        current_ = {};
    }

    std::string_view source_;
    Lines lines_;
    int first_line_;
    int items_ = 0;  // depth of lists
    Block current_;
    Parsed parsed_;
};

/// A front matter block (--- … ---): its title, and what is left.
struct FrontMatter {
    std::string title;
    std::size_t length = 0;
};
FrontMatter front_matter(std::string_view text) {
    if (!text.starts_with("---\n")) return {};
    const auto end = text.find("\n---\n", 3);
    if (end == std::string_view::npos) return {};
    FrontMatter found{{}, end + 5};
    for (const auto line : split(text.substr(4, end - 4), '\n'))
        if (line.starts_with("title:")) {
            std::string_view title = trim(line.substr(6));
            if (title.size() >= 2 && (title.front() == '"' || title.front() == '\'') &&
                title.back() == title.front())
                title = title.substr(1, title.size() - 2);
            found.title = title;
        }
    return found;
}

}  // namespace

Result<Parsed> parse_markdown(std::string_view text) {
    const auto front = front_matter(text);
    const auto body = text.substr(front.length);
    Markdown markdown(
        body,
        1 + static_cast<int>(std::count(
                text.begin(), text.begin() + static_cast<std::ptrdiff_t>(front.length), '\n')));
    MD_PARSER parser{};
    parser.flags =
        MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEAUTOLINKS;
    parser.enter_block = Markdown::enter_block;
    parser.leave_block = Markdown::leave_block;
    parser.enter_span = Markdown::enter_span;
    parser.leave_span = Markdown::leave_span;
    parser.text = Markdown::text;
    if (md_parse(body.data(), static_cast<MD_SIZE>(body.size()), &parser, &markdown) != 0)
        return fail(Fault::kInvalid, "the Markdown parser ran out of memory");
    Parsed parsed = markdown.take();
    if (!front.title.empty()) parsed.title = front.title;
    return parsed;
}

Result<Parsed> parse_plain_text(std::string_view text) {
    Parsed parsed;
    Block current;
    int number = 0;
    const auto finish = [&] {
        if (!current.text.empty()) parsed.blocks.push_back(std::move(current));
        current = {};
    };
    for (const auto line : split(text, '\n')) {
        ++number;
        if (trim(line).empty()) {
            finish();
            continue;
        }
        if (current.text.empty())
            current.place.first_line = number;
        else
            current.text += '\n';
        current.text += line;
        current.place.last_line = number;
    }
    finish();
    return parsed;
}

}  // namespace segue::rag
