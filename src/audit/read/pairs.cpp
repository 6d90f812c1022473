// `key = value` under sections: TOML, INI, properties, .env, systemd units.
#include <algorithm>
#include <cstring>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

void add(Segments& out, std::size_t begin, std::size_t end, Region region, std::uint32_t path) {
    if (begin < end)
        out.list.push_back(
            {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), region, path});
}

std::size_t comment_in(std::string_view value, Language language) {
    char quote = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (quote != 0) {
            if (c == '\\' && quote == '"')
                ++i;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if ((c == '#' || (c == ';' && language == Language::kIni)) &&
                   (i == 0 || value[i - 1] == ' ' || value[i - 1] == '\t')) {
            return i;
        }
    }
    return value.size();
}

}  // namespace

void read_pairs(std::string_view text, Language language, Segments& out) {
    PathTable table(out.paths);
    std::string section;
    std::string list_key;                            // an array that goes on over lines
    const bool blocks = language == Language::kIni;  // HCL: `resource "x" {`
    for (std::size_t at = 0; at < text.size();) {
        const auto newline = std::min(text.find('\n', at), text.size());
        auto end = newline;
        while (end > at && (text[end - 1] == '\r' || text[end - 1] == ' ' || text[end - 1] == '\t'))
            --end;
        const auto first =
            at + std::min(text.substr(at, end - at).find_first_not_of(" \t\xef\xbb\xbf"), end - at);
        const auto line = text.substr(first, end - first);
        const auto begin = first;
        at = newline + 1;
        if (line.empty()) continue;
        if (line[0] == '#' || (line[0] == ';' && language != Language::kEnv) || line[0] == '!' ||
            (blocks && line.starts_with("//"))) {
            add(out, begin, end, Region::kComment, table.add(section));
            continue;
        }
        if (line[0] == '[' && list_key.empty() && line.find(']') != std::string_view::npos) {
            auto name = line.substr(0, line.find(']'));
            while (!name.empty() && name[0] == '[')
                name.remove_prefix(1);
            section = std::string(trim(name));
            std::erase(section, '"');
            const auto close = begin + line.find(']');
            add(out, begin, close, Region::kKey, table.add(section));
            add(out, close, end, Region::kComment, table.add(section));
            continue;
        }
        std::size_t cut = std::string_view::npos;
        if (list_key.empty())
            cut = language == Language::kProperties ? line.find_first_of("=:") : line.find('=');
        if (cut == std::string_view::npos && list_key.empty() && language == Language::kIni) {
            const auto colon = line.find(": ");
            if (colon != std::string_view::npos && line.find(' ') >= colon) cut = colon;
        }
        if (cut == std::string_view::npos) {
            const auto path = table.add(
                list_key.empty() ? section : section + (section.empty() ? "" : ".") + list_key);
            const auto note = comment_in(line, language);
            add(out, begin, begin + note, Region::kValue, path);
            add(out, begin + note, end, Region::kComment, path);
            if (line.substr(0, note).find(']') != std::string_view::npos &&
                line.substr(0, note).find('[') == std::string_view::npos)
                list_key.clear();
            continue;
        }
        auto key = trim(line.substr(0, cut));
        if (key.starts_with("export ")) key = trim(key.substr(7));
        const auto key_begin = static_cast<std::size_t>(key.data() - text.data());
        std::string name(key);
        std::erase(name, '"');
        const auto path = table.add(section + (section.empty() ? "" : ".") + name);
        add(out, key_begin, key_begin + key.size(), Region::kKey, path);
        const auto value = line.substr(cut + 1);
        const auto note = comment_in(value, language);
        add(out, begin + cut + 1, begin + cut + 1 + note, Region::kValue, path);
        add(out, begin + cut + 1 + note, end, Region::kComment, path);
        const auto bare = trim(value.substr(0, note));
        if ((language == Language::kToml || blocks) && bare.starts_with('[') &&
            bare.find(']') == std::string_view::npos)
            list_key = name;
    }
}

}  // namespace segue::audit
