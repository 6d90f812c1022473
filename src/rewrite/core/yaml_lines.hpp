/// A YAML text as lines with their place in the tree of block mappings: enough to replace whole
/// blocks by ranges and keep comments, order and style. Flow style stays one line; lines of a Helm
/// template that only direct are nobody's. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace segue::rewrite {

struct YamlLine {
    std::size_t begin = 0;  // first byte of the line
    std::size_t end = 0;    // behind its line end
    std::size_t indent = 0;
    bool item = false;       // "- …"
    std::string_view key;    // without quotes; empty for a plain item
    std::size_t key_at = 0;  // where it begins in the text
    std::string_view value;  // trimmed, with quotes, without comment
    std::size_t value_at = 0;
    bool content = false;  // neither blank nor comment
    int parent = -1;       // index of the line that it hangs under
};

class YamlLines {
public:
    explicit YamlLines(std::string_view text);

    const std::vector<YamlLine>& lines() const { return lines_; }
    std::string_view text() const { return text_; }
    /// Content lines directly below one; -1: the top of the document.
    std::vector<int> children(int parent) const;
    /// A key directly below; nothing when there is none.
    std::optional<int> child(int parent, std::string_view key) const;
    /// A whole path of keys from the top.
    std::optional<int> find(std::initializer_list<std::string_view> path) const;
    /// Behind the last content line of the block (its own line when it has no children).
    std::size_t block_end(int line) const;
    /// Indentation that children of `line` have, or would have by the file's habit.
    std::size_t child_indent(int line) const;
    /// "services.llm.image"
    std::string path(int line) const;

private:
    std::string_view text_;
    std::vector<YamlLine> lines_;
};

/// Without quotes around it.
std::string_view yaml_unquoted(std::string_view value);

}  // namespace segue::rewrite
