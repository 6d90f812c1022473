#include <gumbo.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

constexpr int kDeepest = 200;  // what nests deeper is read as if it did not

class Html {
public:
    Parsed run(const GumboOutput& output) {
        walk(*output.root, 0);
        finish();
        if (parsed_.title.empty())
            for (const auto& block : parsed_.blocks)
                if (block.kind == Block::Kind::kHeading && block.level == 1) {
                    parsed_.title = block.text;
                    break;
                }
        return std::move(parsed_);
    }

private:
    static int heading_level(GumboTag tag) {
        return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 ? static_cast<int>(tag - GUMBO_TAG_H1) + 1
                                                          : 0;
    }
    static bool is_skipped(GumboTag tag) {
        constexpr std::array kSkipped{GUMBO_TAG_SCRIPT,   GUMBO_TAG_STYLE,  GUMBO_TAG_TEMPLATE,
                                      GUMBO_TAG_NOSCRIPT, GUMBO_TAG_NAV,    GUMBO_TAG_IFRAME,
                                      GUMBO_TAG_OBJECT,   GUMBO_TAG_SVG,    GUMBO_TAG_CANVAS,
                                      GUMBO_TAG_BUTTON,   GUMBO_TAG_SELECT, GUMBO_TAG_TEXTAREA};
        return std::find(kSkipped.begin(), kSkipped.end(), tag) != kSkipped.end();
    }
    static bool is_block(GumboTag tag) {
        constexpr std::array kBlocks{
            GUMBO_TAG_P,          GUMBO_TAG_DIV,     GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE,
            GUMBO_TAG_MAIN,       GUMBO_TAG_HEADER,  GUMBO_TAG_FOOTER,  GUMBO_TAG_ASIDE,
            GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_UL,      GUMBO_TAG_OL,      GUMBO_TAG_DL,
            GUMBO_TAG_PRE,        GUMBO_TAG_TABLE,   GUMBO_TAG_FIGURE,  GUMBO_TAG_FORM,
            GUMBO_TAG_ADDRESS,    GUMBO_TAG_DETAILS, GUMBO_TAG_HR,      GUMBO_TAG_BODY};
        return std::find(kBlocks.begin(), kBlocks.end(), tag) != kBlocks.end();
    }

    void walk(const GumboNode& node, int depth) {
        if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
            node.type == GUMBO_NODE_CDATA)
            return add_text(node.v.text.text, static_cast<int>(node.v.text.start_pos.line));
        if (node.type != GUMBO_NODE_ELEMENT) return;
        if (depth > kDeepest) return add_flat(node);
        const GumboElement& element = node.v.element;
        if (is_skipped(element.tag)) return;
        if (element.tag == GUMBO_TAG_TITLE) {
            if (parsed_.title.empty()) parsed_.title = text_of(node, 0);
            return;
        }
        if (const int level = heading_level(element.tag)) {
            finish();
            current_.kind = Block::Kind::kHeading;
            current_.level = level;
            children(element, depth);
            return finish();
        }
        if (element.tag == GUMBO_TAG_PRE) {
            finish();
            current_.kind = Block::Kind::kCode;
            ++preformatted_;
            children(element, depth);
            --preformatted_;
            return finish();
        }
        if (element.tag == GUMBO_TAG_TABLE && rows_ == 0) {
            finish();
            current_.kind = Block::Kind::kTable;
            ++rows_;
            children(element, depth);
            --rows_;
            return finish();
        }
        if (element.tag == GUMBO_TAG_TR && rows_ > 0) new_line();
        if ((element.tag == GUMBO_TAG_TD || element.tag == GUMBO_TAG_TH) && rows_ > 0 &&
            !current_.text.empty() && current_.text.back() != '\n')
            current_.text += " | ";
        if (element.tag == GUMBO_TAG_BR) return new_line();
        if (element.tag == GUMBO_TAG_LI || element.tag == GUMBO_TAG_DT) {
            new_line();
            if (element.tag == GUMBO_TAG_LI) current_.text += "- ";
            return children(element, depth);
        }
        const bool block = is_block(element.tag) && rows_ == 0;
        const bool list = element.tag == GUMBO_TAG_UL || element.tag == GUMBO_TAG_OL;
        if (block && items_ == 0) finish();
        if (block && items_ > 0) new_line();
        items_ += list ? 1 : 0;
        children(element, depth);
        items_ -= list ? 1 : 0;
        if (block && items_ == 0) finish();
    }

    void children(const GumboElement& element, int depth) {
        for (unsigned i = 0; i < element.children.length; ++i)
            walk(*static_cast<const GumboNode*>(element.children.data[i]), depth + 1);
    }

    /// The text below a node that lies too deep to be walked by recursion.
    void add_flat(const GumboNode& top) {
        std::vector<const GumboNode*> waiting{&top};
        while (!waiting.empty()) {
            const GumboNode& node = *waiting.back();
            waiting.pop_back();
            if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE)
                add_text(node.v.text.text, static_cast<int>(node.v.text.start_pos.line));
            if (node.type != GUMBO_NODE_ELEMENT || is_skipped(node.v.element.tag)) continue;
            for (unsigned i = node.v.element.children.length; i > 0; --i)
                waiting.push_back(
                    static_cast<const GumboNode*>(node.v.element.children.data[i - 1]));
        }
    }

    static std::string text_of(const GumboNode& node, int depth) {
        if (node.type == GUMBO_NODE_TEXT) return std::string(trim(node.v.text.text));
        std::string text;
        if (node.type == GUMBO_NODE_ELEMENT && depth < kDeepest)
            for (unsigned i = 0; i < node.v.element.children.length; ++i)
                text += text_of(*static_cast<const GumboNode*>(node.v.element.children.data[i]),
                                depth + 1);
        return text;
    }

    void add_text(std::string_view text, int line) {
        const bool blank = trim(text).empty();
        if (!blank) {
            if (current_.place.first_line == 0) current_.place.first_line = line;
            current_.place.last_line = line;
        }
        for (const char c : text) {
            if (preformatted_ > 0) {
                current_.text += c;
                continue;
            }
            const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
            if (!space)
                current_.text += c;
            else if (!current_.text.empty() && current_.text.back() != ' ' &&
                     current_.text.back() != '\n')
                current_.text += ' ';
        }
    }
    void new_line() {
        if (!current_.text.empty() && current_.text.back() != '\n') current_.text += '\n';
    }
    void finish() {
        std::string_view text = current_.text;
        while (!text.empty() && (text.back() == ' ' || text.back() == '\n'))
            text.remove_suffix(1);
        if (!trim(text).empty() && trim(text) != "-") {
            current_.text.resize(text.size());
            parsed_.blocks.push_back(std::move(current_));
        }
        current_ = {};
    }

    Parsed parsed_;
    Block current_;
    int preformatted_ = 0;
    int rows_ = 0;
    int items_ = 0;
};

}  // namespace

Result<Parsed> parse_html(std::string_view text) {
    GumboOptions options = kGumboDefaultOptions;
    options.max_errors = 0;
    GumboOutput* output = gumbo_parse_with_options(&options, text.data(), text.size());
    if (!output) return fail(Fault::kInvalid, "the HTML parser gave up");
    Parsed parsed = Html().run(*output);
    gumbo_destroy_output(&kGumboDefaultOptions, output);
    return parsed;
}

}  // namespace segue::rag
