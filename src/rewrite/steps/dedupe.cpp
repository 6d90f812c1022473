// final: two old names that meant the same became one: what stands twice goes.
#include <fmt/format.h>

#include <map>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

/// Of two equal keys the second goes when both say the same, else a person decides.
void second(const File& file, Group& group, std::string_view name, std::string_view first_value,
            std::string_view value, std::size_t begin, std::size_t end) {
    if (first_value == value)
        group.edit(file, begin, end, "", 105);
    else
        group.note(file, begin,
                   fmt::format("{} is set twice, with different values: keep one", name), {}, 105);
}

void yaml(const File& file, Group& group) {
    const YamlLines yaml(file.text);
    std::map<std::pair<int, std::string>, std::string_view> seen;
    for (std::size_t i = 0; i < yaml.lines().size(); ++i) {
        const auto& line = yaml.lines()[i];
        if (!line.content) continue;
        std::string_view name = line.key;
        std::string_view value = line.value;
        if (line.item && line.key.empty()) {
            const auto whole = yaml_unquoted(line.value);
            const auto equals = whole.find('=');
            if (equals == whole.npos) continue;
            name = whole.substr(0, equals);
            value = whole.substr(equals + 1);
        } else if (line.item) {
            continue;
        }
        if (to_lower(name).find("vllm") == std::string::npos) continue;
        const auto [at, fresh] = seen.try_emplace({line.parent, std::string(name)}, value);
        if (!fresh)
            second(file, group, name, at->second, value, line.begin,
                   yaml.block_end(static_cast<int>(i)));
    }
}

void env(const File& file, Group& group) {
    std::map<std::string, std::string_view, std::less<>> seen;
    const std::string_view text = file.text;
    for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
        const auto line = line_around(text, at);
        const auto equals = line.find('=');
        if (equals == line.npos || line.front() == '#') continue;
        const auto name = trim(line.substr(0, equals));
        if (to_lower(name).find("vllm") == std::string::npos) continue;
        const auto [known, fresh] = seen.try_emplace(std::string(name), line.substr(equals + 1));
        if (!fresh)
            second(file, group, name, known->second, line.substr(equals + 1), at,
                   line_end(text, at));
    }
}

/// process.env.X ?? process.env.X ?? d → process.env.X ?? d
void code(const File& file, Group& group) {
    const std::string_view text = file.text;
    for (const std::string_view reader : {"process.env.", "import.meta.env."})
        for (auto at = text.find(reader); at != text.npos; at = text.find(reader, at + 1)) {
            auto end = at + reader.size();
            while (end < text.size() &&
                   (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
                ++end;
            const auto read = text.substr(at, end - at);
            if (read.find("VLLM") == read.npos) continue;
            const auto rest = text.substr(end);
            for (const std::string_view between : {" ?? ", " || "})
                if (rest.starts_with(std::string(between) + std::string(read)))
                    group.edit(file, end, end + between.size() + read.size(), "", 105);
        }
}

}  // namespace

Groups dedupe(const Workspace& workspace, const Context&) {
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.text == file.original) continue;
        Group group;
        group.rule = 105;
        group.what = "names that stand twice in " + path;
        if (file.language() == Language::kYaml) yaml(file, group);
        if (file.language() == Language::kEnv) env(file, group);
        if (file.form.code) code(file, group);
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace segue::rewrite
