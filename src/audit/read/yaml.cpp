// YAML by lines and indentation: it reads Helm templates and broken files too, keeps every place,
// and needs no memory for a tree.
#include <algorithm>
#include <cstring>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

struct Level {
    std::size_t indent;
    std::string path;
};

/// The ':' that ends a key on this line, or npos. Quotes and flow brackets are skipped.
std::size_t key_end(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if ((c == '"' || c == '\'') && i == 0) {
            quote = c;
        } else if (c == ':' && (i + 1 == line.size() || line[i + 1] == ' ' || line[i + 1] == '\t' ||
                                line[i + 1] == '\r')) {
            return i;
        } else if (c == '{' && i + 1 < line.size() && line[i + 1] == '{') {
            const auto close = line.find("}}", i);
            if (close == std::string_view::npos) return close;
            i = close + 1;
        } else if (c == ' ' && i + 1 < line.size() && line[i + 1] == '#') {
            return std::string_view::npos;
        } else if (i == 0 && (c == '[' || c == '{' || c == '&' || c == '*' || c == '!' ||
                              c == '|' || c == '>')) {
            if (c != '&') return std::string_view::npos;
        }
    }
    return std::string_view::npos;
}

/// Where a trailing comment begins: '#' after white space, outside quotes.
std::size_t comment_start(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if ((c == '"' || c == '\'') &&
                   (i == 0 || std::strchr(" \t[{,(=", text[i - 1]) != nullptr)) {
            quote = c;
        } else if (c == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
            return i;
        }
    }
    return text.size();
}

std::string unquoted(std::string_view key) {
    key = trim(key);
    if (key.size() >= 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front())
        key = key.substr(1, key.size() - 2);
    return std::string(key);
}

/// Keys under which a block scalar is a script.
bool is_script_key(std::string_view key) {
    static constexpr std::string_view kScripts[] = {
        "run",          "script", "command", "args",  "entrypoint", "before_script",
        "after_script", "inline", "cmds",    "cmd",   "commands",   "shell",
        "test",         "exec",   "sh",      "steps", "install"};
    return std::find(std::begin(kScripts), std::end(kScripts), key) != std::end(kScripts);
}

class Reader {
public:
    Reader(std::string_view text, Segments& out) : text_(text), out_(out), table_(out.paths) {}

    void run() {
        for (std::size_t at = 0; at < text_.size();) {
            const auto newline = std::min(text_.find('\n', at), text_.size());
            line(at, newline);
            at = newline + 1;
        }
    }

private:
    void add(std::size_t begin, std::size_t end, Region region, std::uint32_t path) {
        while (end > begin && (text_[end - 1] == '\r' || text_[end - 1] == ' '))
            --end;
        if (begin < end)
            out_.list.push_back(
                {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), region, path});
    }

    void line(std::size_t begin, std::size_t end) {
        auto content = text_.substr(begin, end - begin);
        std::size_t indent = content.find_first_not_of(" \t\r");
        if (indent == std::string_view::npos) return;
        if (block_) {
            if (indent > block_indent_) {
                block_line(begin, indent, end);
                return;
            }
            block_ = false;
        }
        content.remove_prefix(indent);
        if (content[0] == '#') {
            add(begin + indent, end, Region::kComment, current());
            return;
        }
        if (content.starts_with("---") && trim(content.substr(3)).empty()) {
            stack_.clear();
            return;
        }
        if (content.starts_with("{{") && content.find(": ") == std::string_view::npos) {
            const bool note = content.substr(0, 8).find("/*") != std::string_view::npos;
            add(begin + indent, end, note ? Region::kComment : Region::kCode, current());
            return;
        }
        while (content.starts_with("- ") || content == "-") {
            pop(indent);
            const auto skip = std::min(content.find_first_not_of(' ', 1), content.size());
            // What hangs under a list item hangs under the list's key.
            stack_.push_back({indent, path()});
            indent += skip;
            content.remove_prefix(skip);
            if (!content.empty() && content[0] == '#') {
                add(begin + indent, end, Region::kComment, current());
                return;
            }
        }
        if (content.empty()) return;
        const auto colon = key_end(content);
        if (colon == std::string_view::npos) {
            value(begin + indent, end, current(), last_key());
            return;
        }
        pop(indent);
        const std::string name = unquoted(content.substr(0, colon));
        std::string full = path();
        full += (full.empty() ? "" : ".") + name;
        stack_.push_back({indent, full});
        const auto index = table_.add(full);
        add(begin + indent, begin + indent + colon, Region::kKey, index);
        auto rest = colon + 1;
        while (rest < content.size() && (content[rest] == ' ' || content[rest] == '\t'))
            ++rest;
        if (rest >= content.size()) return;
        auto after = trim(content.substr(rest, comment_start(content.substr(rest))));
        if (after.starts_with('&') ||
            after.starts_with('!')) {  // an anchor or tag before the value
            const auto space = after.find(' ');
            if (space != std::string_view::npos) after = trim(after.substr(space));
        }
        if (!after.empty() && (after[0] == '|' || after[0] == '>') && after.size() <= 3) {
            block_ = true;
            block_indent_ = indent;
            block_path_ = index;
            block_script_ = is_script_key(name);
            return;
        }
        value(begin + indent + rest, end, index, name);
    }

    void value(std::size_t begin, std::size_t end, std::uint32_t index, std::string_view key) {
        const auto text = text_.substr(begin, end - begin);
        const auto note = comment_start(text);
        const auto bare = trim(text.substr(0, note));
        const bool script = is_script_key(key) && bare.find(' ') != std::string_view::npos &&
                            !bare.starts_with('[');
        add(begin, begin + note, script ? Region::kShell : Region::kValue, index);
        add(begin + note, end, Region::kComment, index);
    }

    void block_line(std::size_t begin, std::size_t indent, std::size_t end) {
        const auto content = text_.substr(begin + indent, end - begin - indent);
        const bool note = content.starts_with("# ") || content.starts_with("//") ||
                          content == "#" || content.starts_with("#!") ||
                          (content.starts_with('#') && block_script_);
        add(begin + indent, end,
            note            ? Region::kComment
            : block_script_ ? Region::kShell
                            : Region::kValue,
            block_path_);
    }

    void pop(std::size_t indent) {
        while (!stack_.empty() && stack_.back().indent >= indent)
            stack_.pop_back();
    }
    std::string path() const { return stack_.empty() ? "" : stack_.back().path; }
    std::uint32_t current() { return table_.add(path()); }
    std::string last_key() const {
        const std::string full = path();
        const auto dot = full.rfind('.');
        return dot == std::string::npos ? full : full.substr(dot + 1);
    }

    std::string_view text_;
    Segments& out_;
    PathTable table_;
    std::vector<Level> stack_;
    bool block_ = false;
    bool block_script_ = false;
    std::size_t block_indent_ = 0;
    std::uint32_t block_path_ = 0;
};

}  // namespace

std::uint32_t PathTable::add(std::string path) {
    // Neighbours mostly share their path.
    if (!paths_.empty() && paths_.back() == path)
        return static_cast<std::uint32_t>(paths_.size() - 1);
    paths_.push_back(std::move(path));
    return static_cast<std::uint32_t>(paths_.size() - 1);
}

void read_yaml(std::string_view text, Segments& out) {
    Reader(text, out).run();
}

}  // namespace segue::audit
