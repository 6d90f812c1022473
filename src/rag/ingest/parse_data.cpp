// CSV, JSON, YAML and source code: text whose structure is its lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/text.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

constexpr std::size_t kMostCells = 2'000'000;

/// One row of cells from `at` on; quoted cells may hold separators and line feeds.
std::vector<std::string> next_row(std::string_view text, std::size_t& at, char separator) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    while (at < text.size()) {
        const char c = text[at++];
        if (quoted) {
            if (c != '"') {
                cells.back() += c == '\n' ? ' ' : c;
            } else if (at < text.size() && text[at] == '"') {
                cells.back() += '"';
                ++at;
            } else {
                quoted = false;
            }
        } else if (c == '"' && trim(cells.back()).empty()) {
            cells.back().clear();
            quoted = true;
        } else if (c == separator) {
            cells.emplace_back();
        } else if (c == '\n') {
            break;
        } else {
            cells.back() += c;
        }
    }
    for (auto& cell : cells)
        cell = std::string(trim(cell));
    return cells;
}

char separator_of(std::string_view text) {
    const auto line = text.substr(0, text.find('\n'));
    char best = ',';
    for (const char candidate : {',', ';', '\t', '|'})
        if (std::count(line.begin(), line.end(), candidate) >
            std::count(line.begin(), line.end(), best))
            best = candidate;
    return best;
}

/// Strings, numbers and the rest of a JSON text as "path: value" lines below their section.
class JsonWalker {
public:
    Parsed run(json::Value root) {
        if (root.is_object()) {
            for (const auto member : root)
                section(member.key(), member);
        } else if (root.is_array()) {
            std::size_t i = 0;
            for (const auto element : root)
                section(fmt::format("[{}]", i++), element);
        } else {
            line("value", root);
            finish();
        }
        return std::move(parsed_);
    }

private:
    void section(std::string_view name, json::Value value) {
        walk(std::string(name), value);
        finish();
    }
    void walk(const std::string& path, json::Value value) {
        if (value.is_object()) {
            for (const auto member : value)
                walk(fmt::format("{}.{}", path, member.key()), member);
        } else if (value.is_array()) {
            const bool plain = std::all_of(value.begin(), value.end(), [](json::Value element) {
                return !element.is_object() && !element.is_array();
            });
            if (plain) {
                std::string joined;
                for (const auto element : value)
                    joined.append(joined.empty() ? "" : ", ")
                        .append(element.is_string() ? element.string() : element.raw());
                current_.text.append(path).append(": ").append(joined).append("\n");
                return;
            }
            std::size_t i = 0;
            for (const auto element : value)
                walk(fmt::format("{}[{}]", path, i++), element);
        } else {
            line(path, value);
        }
    }
    void line(std::string_view path, json::Value value) {
        current_.text.append(path).append(": ");
        current_.text.append(value.is_string() ? value.string() : value.raw()).append("\n");
    }
    void finish() {
        // Small sections share a passage: their lines name them.
        if (!current_.text.empty()) parsed_.blocks.push_back(std::move(current_));
        current_ = {};
        current_.kind = Block::Kind::kCode;
    }
    Parsed parsed_;
    Block current_{Block::Kind::kCode, 0, {}, {}};
};

/// Blocks of lines that end where a new unit begins.
template <class Begins>
Parsed by_units(std::string_view text, Block::Kind kind, Begins begins) {
    Parsed parsed;
    Block current;
    current.kind = kind;
    int number = 0;
    const auto finish = [&] {
        if (!trim(current.text).empty()) parsed.blocks.push_back(std::move(current));
        current = {};
        current.kind = kind;
    };
    for (const auto line : split(text, '\n')) {
        ++number;
        if (begins(line)) finish();
        if (current.place.first_line == 0) {
            if (trim(line).empty()) continue;
            current.place.first_line = number;
        }
        current.place.last_line = number;
        current.text.append(line).append("\n");
    }
    finish();
    return parsed;
}

bool indented_or_closing(std::string_view line) {
    return line.empty() || line.front() == ' ' || line.front() == '\t' || line.front() == '}' ||
           line.front() == ')' || line.front() == ']' || line.front() == '{';
}

}  // namespace

Result<Parsed> parse_csv(std::string_view text) {
    Parsed parsed;
    const char separator = separator_of(text);
    Block table{Block::Kind::kTable, 0, {}, {}};
    std::size_t cells = 0;
    int rows = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto row = next_row(text, at, separator);
        if ((cells += row.size()) > kMostCells)
            return fail(Fault::kTooLarge,
                        fmt::format("the table has more than {} cells; split it", kMostCells));
        if (std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell.empty(); }))
            continue;
        if (!table.text.empty()) table.text += '\n';
        table.text += join(row, " | ");
        ++rows;
    }
    if (rows > 0) {
        const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) +
                           (text.ends_with('\n') ? 0 : 1);
        // Rows are lines, unless cells hold line feeds.
        if (lines == rows) table.place = {0, 1, lines};
        parsed.blocks.push_back(std::move(table));
    }
    return parsed;
}

Result<Parsed> parse_json(std::string_view text) {
    json::Parser parser;
    if (const auto root = parser.parse(text)) return JsonWalker().run(*root);
    // One object a line (JSONL), or JSON with comments: read as lines.
    Parsed parsed;
    std::size_t good = 0;
    int number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        if (trim(line).empty()) continue;
        const auto object = parser.parse(line);
        if (!object) continue;
        ++good;
        Parsed one = JsonWalker().run(*object);
        for (auto& block : one.blocks) {
            block.place = {0, number, number};
            parsed.blocks.push_back(std::move(block));
        }
    }
    if (good > 0) return parsed;
    return by_units(text, Block::Kind::kCode, [](std::string_view) { return false; });
}

Result<Parsed> parse_yaml(std::string_view text) {
    return by_units(text, Block::Kind::kCode, [](std::string_view line) {
        return !line.empty() && line.front() != ' ' && line.front() != '\t' &&
               line.front() != '#' && line.front() != '-' &&
               line.find(':') != std::string_view::npos;
    });
}

Result<Parsed> parse_code(std::string_view text, std::string_view) {
    // A unit begins at a line that is not indented, after one that ended a unit: functions, classes
    // and their comments stay together in every language that people indent.
    bool after_end = true;
    return by_units(text, Block::Kind::kCode, [&](std::string_view line) {
        const bool blank = trim(line).empty();
        const bool begins = after_end && !blank && !indented_or_closing(line);
        after_end = blank || line.starts_with("}") || line.starts_with("end");
        return begins;
    });
}

}  // namespace segue::rag
