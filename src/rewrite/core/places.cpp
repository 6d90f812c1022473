#include "rewrite/core/places.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/core/yaml_lines.hpp"

namespace segue::rewrite {

std::size_t line_begin(std::string_view text, std::size_t at) {
    if (at == 0) return 0;
    const auto before = text.rfind('\n', at - 1);
    return before == std::string_view::npos ? 0 : before + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) {
    const auto end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end + 1;
}

std::string_view line_around(std::string_view text, std::size_t at) {
    const auto begin = line_begin(text, at);
    auto line = text.substr(begin, line_end(text, at) - begin);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.remove_suffix(1);
    return line;
}

std::uint32_t line_number(std::string_view text, std::size_t at) {
    return static_cast<std::uint32_t>(std::count(
               text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size())),
               '\n')) +
           1;
}

bool is_ollama_image(std::string_view image) {
    image = yaml_unquoted(image);
    // ${OLLAMA_IMAGE:-ollama/ollama:latest}
    if (const auto fallback = image.find(":-"); image.starts_with("${") && fallback != image.npos)
        image = image.substr(fallback + 2, image.size() - fallback - 3);
    const auto end = image.find('@');
    image = image.substr(0, end);
    const auto slash = image.rfind('/');
    const auto colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
    image = image.substr(0, colon);
    return iequals(image, "ollama") || image.ends_with("/ollama") ||
           image.ends_with("ollama/ollama");
}

std::vector<Range> server_blocks(const File& file) {
    std::vector<Range> out;
    const std::string_view text = file.text;
    const auto name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
    if (file.language() == Language::kYaml) {
        const YamlLines yaml(text);
        const auto& lines = yaml.lines();
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (lines[i].key != "image" || !is_ollama_image(lines[i].value)) continue;
            int block = lines[i].parent;
            // compose: the service; Kubernetes: the whole document.
            if (file.form.kubernetes) {
                auto begin = text.rfind("\n---", lines[i].begin);
                auto end = text.find("\n---", lines[i].begin);
                out.push_back({begin == std::string_view::npos ? 0 : begin + 1,
                               end == std::string_view::npos ? text.size() : end + 1});
                continue;
            }
            if (block < 0) continue;
            out.push_back({lines[static_cast<std::size_t>(block)].begin, yaml.block_end(block)});
        }
    } else if (file.language() == Language::kDockerfile) {
        for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
            const auto line = trim(line_around(text, at));
            if (!istarts_with(line, "FROM ")) continue;
            const auto rest = trim(line.substr(5));
            if (is_ollama_image(rest.substr(0, rest.find(' ')))) {
                auto next = at;
                do
                    next = line_end(text, next);
                while (next < text.size() && !istarts_with(trim(line_around(text, next)), "FROM "));
                out.push_back({at, next});
            }
        }
    } else if (name == "ollama.service" ||
               file.path.find("ollama.service.d/") != std::string::npos) {
        out.push_back({0, text.size()});
    }
    return out;
}

bool covered(const std::vector<Range>& ranges, std::size_t at) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return at >= range.begin && at < range.end; });
}

std::string folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
}

bool is_kept_name(const audit::Model& model, std::string_view text, std::size_t at) {
    const auto begin = line_begin(text, at);
    return model.own_name_covers(line_around(text, at), at - begin);
}

}  // namespace segue::rewrite
