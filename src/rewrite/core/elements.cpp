#include "rewrite/core/elements.hpp"

#include "base/text.hpp"

namespace segue::rewrite {

std::string indent_at(std::string_view text, std::size_t at) {
    const auto begin = line_begin(text, at);
    auto end = begin;
    while (end < text.size() && (text[end] == ' ' || text[end] == '\t'))
        ++end;
    return std::string(text.substr(begin, end - begin));
}

Range element_range(Node element, std::string_view text) {
    auto begin = element.start();
    auto end = element.end();
    auto after = end;
    while (after < text.size() && (text[after] == ' ' || text[after] == '\t'))
        ++after;
    if (after < text.size() && text[after] == ',') {
        end = after + 1;
        // The whole line when nothing else stands on it.
        auto rest = end;
        while (rest < text.size() && (text[rest] == ' ' || text[rest] == '\t'))
            ++rest;
        const auto start = line_begin(text, begin);
        const bool alone = trim(text.substr(start, begin - start)).empty();
        if (alone && (rest == text.size() || text[rest] == '\n' || text[rest] == '\r'))
            return {start, line_end(text, rest)};
        return {begin, rest < text.size() && text[rest] != '\n' && text[rest] != '\r' ? rest : end};
    }
    // The last one: the comma before it.
    auto before = begin;
    while (before > 0 &&
           std::string_view(" \t\r\n").find(text[before - 1]) != std::string_view::npos)
        --before;
    if (before > 0 && text[before - 1] == ',') begin = before - 1;
    return {begin, end};
}

void drop_statement(Group& group, const File& file, Node statement, int rule) {
    const auto next = statement.next();
    if (next && !next.is("comment"))
        group.edit(file, statement.start(), next.start(), "", rule);
    else
        group.edit(file, line_begin(file.text, statement.start()),
                   line_end(file.text, statement.end()), "", rule);
}

Node only_call_with(const std::vector<Node>& names, Node bound, std::string_view arguments) {
    Node found;
    for (const auto name : names) {
        if (name == bound) continue;
        if (!name.parent().is(arguments) || found) return {};
        found = name.parent().parent();
    }
    return found;
}

}  // namespace segue::rewrite
