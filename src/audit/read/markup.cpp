// HTML, XML, Vue and Svelte: comments, tags with attributes, scripts, and the text that people see.
#include <algorithm>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

void add(std::vector<Segment>& out, std::size_t begin, std::size_t end, Region region) {
    if (begin < end)
        out.push_back(
            {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), region, 0});
}

/// Text with {{ }} or { } in it: what is between is code.
void add_text(std::string_view text, std::size_t begin, std::size_t end, Language language,
              std::vector<Segment>& out) {
    const bool single = language == Language::kSvelte;
    while (begin < end) {
        const auto open = std::min(text.find(single ? "{" : "{{", begin), end);
        add(out, begin, open, Region::kText);
        if (open >= end) return;
        const auto close = std::min(text.find(single ? "}" : "}}", open), end);
        read_code(text, open, close, Language::kTypeScript, out);
        begin = close;
        if (begin == open) ++begin;
    }
}

/// The attributes of one tag; values of bound attributes (:x, @x, v-x, bind:) are code.
void add_tag(std::string_view text, std::size_t begin, std::size_t end, std::vector<Segment>& out) {
    std::size_t code = begin;
    for (std::size_t at = begin; at < end; ++at) {
        const char quote = text[at];
        if (quote != '"' && quote != '\'') continue;
        const auto close = std::min(text.find(quote, at + 1), end);
        std::size_t name = at;
        while (name > code &&
               std::string_view(" \t\r\n<").find(text[name - 1]) == std::string_view::npos)
            --name;
        const auto attribute = text.substr(name, at - name);
        const bool bound = attribute.starts_with(':') || attribute.starts_with('@') ||
                           attribute.starts_with("v-") || attribute.starts_with('#') ||
                           attribute.starts_with("bind:");
        add(out, code, at, Region::kCode);
        if (bound)
            read_code(text, at + 1, close, Language::kTypeScript, out);
        else
            add(out, at + 1, close, Region::kString);
        code = at = std::min(close, end);
    }
    add(out, code, end, Region::kCode);
}

/// Where the tag that begins at `at` ends; '>' inside quotes does not count.
std::size_t tag_end(std::string_view text, std::size_t at) {
    char quote = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return i;
        }
    }
    return text.size();
}

}  // namespace

void read_markup(std::string_view text, Language language, std::vector<Segment>& out) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto open = std::min(text.find('<', at), text.size());
        add_text(text, at, open, language, out);
        if (open >= text.size()) return;
        if (text.substr(open, 4) == "<!--") {
            const auto close = text.find("-->", open);
            const auto end = close == std::string_view::npos ? text.size() : close + 3;
            add(out, open, end, Region::kComment);
            at = end;
            continue;
        }
        const char next = open + 1 < text.size() ? text[open + 1] : ' ';
        if (std::isalpha(static_cast<unsigned char>(next)) == 0 && next != '/' && next != '!' &&
            next != '?') {
            add(out, open, open + 1, Region::kText);
            at = open + 1;
            continue;
        }
        const auto end = std::min(tag_end(text, open) + 1, text.size());
        add_tag(text, open, end, out);
        at = end;
        const auto tag = text.substr(open + 1, 8);
        const bool script = istarts_with(tag, "script");
        const bool style = istarts_with(tag, "style");
        if (script || style) {
            const std::string_view closing = script ? "</script" : "</style";
            const auto close = std::min(text.find(closing, at), text.size());
            read_code(text, at, close, script ? Language::kTypeScript : Language::kCss, out);
            at = close;
        }
    }
}

}  // namespace segue::audit
