#include "rewrite/core/yaml_lines.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace segue::rewrite {
namespace {

/// A line of a Helm template that is no YAML: "{{- if .Values.gpu }}". It stands at any indent.
bool is_directive(std::string_view body) {
    return body.starts_with("{{") && body.ends_with("}}");
}

/// Where a comment begins outside quotes; the size when there is none.
std::size_t comment_at(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quote != 0) {
            if (line[i] == quote) quote = 0;
        } else if (line[i] == '"' || line[i] == '\'') {
            if (i == 0 || line[i - 1] == ' ' || line[i - 1] == '[' || line[i - 1] == ':' ||
                line[i - 1] == ',' || line[i - 1] == '{')
                quote = line[i];
        } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
            return i;
        }
    }
    return line.size();
}

/// The colon that ends a key: followed by a space or the end, outside quotes.
std::size_t key_end(std::string_view text) {
    if (text.empty()) return std::string_view::npos;
    std::size_t i = 0;
    if (text.front() == '"' || text.front() == '\'') {
        i = text.find(text.front(), 1);
        if (i == std::string_view::npos) return i;
    } else if (text.front() == '{' || text.front() == '[' || text.front() == '|' ||
               text.front() == '>') {
        return std::string_view::npos;
    }
    for (; i < text.size(); ++i)
        if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\t'))
            return i;
    return std::string_view::npos;
}

}  // namespace

std::string_view yaml_unquoted(std::string_view value) {
    value = trim(value);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front())
        return value.substr(1, value.size() - 2);
    return value;
}

YamlLines::YamlLines(std::string_view text) : text_(text) {
    std::vector<int> open;  // lines that may have children, by growing indent
    std::size_t scalar_above = std::string_view::npos;  // inside a block scalar: its key's indent
    for (std::size_t at = 0; at < text.size();) {
        auto stop = text.find('\n', at);
        stop = stop == std::string_view::npos ? text.size() : stop + 1;
        YamlLine line;
        line.begin = at;
        line.end = stop;
        auto body = text.substr(at, stop - at);
        while (!body.empty() && (body.back() == '\n' || body.back() == '\r'))
            body.remove_suffix(1);
        const auto first = body.find_first_not_of(' ');
        line.indent = first == std::string_view::npos ? body.size() : first;
        const bool inside_scalar = scalar_above != std::string_view::npos &&
                                   (first == std::string_view::npos || line.indent > scalar_above);
        if (!inside_scalar) scalar_above = std::string_view::npos;
        if (first != std::string_view::npos && body[first] != '#' && !inside_scalar &&
            body.substr(first) != "---" && body.substr(first) != "..." &&
            !is_directive(body.substr(first))) {
            auto rest = body.substr(first);
            std::size_t rest_at = at + first;
            line.content = true;
            if (rest == "-" || rest.starts_with("- ")) {
                line.item = true;
                const auto skip = rest.find_first_not_of(' ', 1);
                const auto count = skip == std::string_view::npos ? rest.size() : skip;
                rest.remove_prefix(count);
                rest_at += count;
            }
            rest = rest.substr(0, comment_at(rest));
            while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t'))
                rest.remove_suffix(1);
            const auto colon = key_end(rest);
            if (colon != std::string_view::npos) {
                line.key = yaml_unquoted(rest.substr(0, colon));
                line.key_at = rest_at + (rest.front() == '"' || rest.front() == '\'' ? 1 : 0);
                auto value = rest.substr(colon + 1);
                const auto begin = value.find_first_not_of(" \t");
                line.value = begin == std::string_view::npos ? "" : value.substr(begin);
                line.value_at = rest_at + colon + 1 + (begin == std::string_view::npos ? 0 : begin);
            } else {
                line.value = rest;
                line.value_at = rest_at;
            }
            // A list may stand at its key's own indent.
            while (!open.empty()) {
                const auto& up = lines_[static_cast<std::size_t>(open.back())];
                const bool below =
                    up.indent < line.indent || (up.indent == line.indent && line.item && !up.item);
                if (below) break;
                open.pop_back();
            }
            line.parent = open.empty() ? -1 : open.back();
            open.push_back(static_cast<int>(lines_.size()));
            const auto v = line.value;
            const auto bare = v.starts_with('&') || v.starts_with('!')
                                  ? trim(v.substr(std::min(v.size(), v.find(' '))))
                                  : v;
            if (bare.starts_with('|') || bare.starts_with('>')) scalar_above = line.indent;
        }
        lines_.push_back(line);
        at = stop;
    }
}

std::vector<int> YamlLines::children(int parent) const {
    std::vector<int> out;
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (lines_[i].content && lines_[i].parent == parent) out.push_back(static_cast<int>(i));
    return out;
}

std::optional<int> YamlLines::child(int parent, std::string_view key) const {
    for (const int i : children(parent))
        if (lines_[static_cast<std::size_t>(i)].key == key) return i;
    return std::nullopt;
}

std::optional<int> YamlLines::find(std::initializer_list<std::string_view> path) const {
    int at = -1;
    for (const auto key : path) {
        const auto next = child(at, key);
        if (!next) return std::nullopt;
        at = *next;
    }
    return at;
}

std::size_t YamlLines::block_end(int line) const {
    const auto& head = lines_[static_cast<std::size_t>(line)];
    std::size_t end = head.end;
    for (std::size_t i = static_cast<std::size_t>(line) + 1; i < lines_.size(); ++i) {
        const auto& next = lines_[i];
        const auto body = trim(text_.substr(next.begin, next.end - next.begin));
        if (body.empty() || is_directive(body)) continue;
        const bool deeper =
            next.indent > head.indent || (next.indent == head.indent && !head.item && next.item &&
                                          next.content && next.parent == line);
        if (!deeper) {
            // A comment further out ends nothing by itself, but does not belong to the block.
            break;
        }
        end = next.end;
    }
    return end;
}

std::size_t YamlLines::child_indent(int line) const {
    const auto below = children(line);
    if (!below.empty()) return lines_[static_cast<std::size_t>(below.front())].indent;
    return line < 0 ? 0 : lines_[static_cast<std::size_t>(line)].indent + 2;
}

std::string YamlLines::path(int line) const {
    std::string out;
    for (int at = line; at >= 0; at = lines_[static_cast<std::size_t>(at)].parent) {
        const auto key = lines_[static_cast<std::size_t>(at)].key;
        if (key.empty()) continue;
        out = out.empty() ? std::string(key) : std::string(key) + "." + out;
    }
    return out;
}

}  // namespace segue::rewrite
