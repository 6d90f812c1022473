#include "audit/read/imports.hpp"

#include <algorithm>

#include "audit/paths.hpp"
#include "audit/read/token.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

const Matcher& import_scanner() {
    static constexpr std::string_view kWords[] = {"import", "require", "from", "use "};
    static const Matcher matcher(kWords);
    return matcher;
}

/// Classes of one package need no import.
bool see_each_other(Language language) {
    return language == Language::kGo || language == Language::kJava ||
           language == Language::kKotlin || language == Language::kCSharp;
}

/// Calls `each` with every line that may bring something in.
template <class Each>
void import_lines(const Source& source, const Each& each) {
    std::optional<std::uint32_t> last;
    for (const auto end : import_scanner().ends(source.text())) {
        const auto line = source.line_of(static_cast<std::uint32_t>(end - 1));
        if (line == last) continue;
        last = line;
        each(source.line(line));
    }
}

/// The first word of the text, cut off.
std::string_view next_word(std::string_view& text) {
    text = trim(text);
    const auto end = std::min(text.find_first_of(" \t,;()\\#"), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

/// `import a.b as c, d`; `from a.b import c, d as e`.
void python_modules(std::string_view line, std::vector<std::string>& out) {
    const auto verb = next_word(line);
    if (verb == "import") {
        while (true) {
            const auto module = next_word(line);
            if (module.empty()) return;
            out.emplace_back(module);
            const auto comma = line.find(',');
            if (comma == std::string_view::npos) return;
            line.remove_prefix(comma + 1);
        }
    }
    if (verb != "from") return;
    const auto module = next_word(line);
    if (module.empty() || next_word(line) != "import") return;
    out.emplace_back(module);
    for (const auto part : split(line, ',')) {
        std::string_view rest = part;
        if (const auto open = rest.find('('); open != std::string_view::npos)
            rest.remove_prefix(open + 1);
        if (const auto name = next_word(rest); !name.empty())
            out.push_back(std::string(module) + (module.ends_with('.') ? "" : ".") +
                          std::string(name));
    }
}

/// Each literal of the line: "./llm" of an import, an export from, a require or an import().
void quoted_modules(std::string_view line, std::vector<std::string>& out) {
    for (std::size_t at = 0; (at = line.find_first_of("'\"`", at)) != std::string_view::npos;) {
        const auto end = line.find(line[at], at + 1);
        if (end == std::string_view::npos) return;
        if (end > at + 1) out.emplace_back(line.substr(at + 1, end - at - 1));
        at = end + 1;
    }
}

}  // namespace

std::string module_name(std::string_view path) {
    auto stem = path_stem(path);
    for (const std::string_view index : {"/__init__", "/index", "/mod"})
        if (stem.ends_with(index)) stem.resize(stem.size() - index.size());
    const auto name = std::string_view(stem).substr(stem.rfind('/') + 1);
    return std::string(name.substr(0, name.find('.')));  // "ollama" of ollama.service.ts
}

std::set<std::string, std::less<>> imported_names(const ParsedFile& file) {
    if (see_each_other(file.source.form().language)) return names_in(file.source.text());
    std::set<std::string, std::less<>> out;
    import_lines(file.source, [&](std::string_view line) { out.merge(names_in(line)); });
    return out;
}

bool can_import_values(Language language) {
    switch (language) {
        case Language::kPython:
        case Language::kJavaScript:
        case Language::kTypeScript:
        case Language::kTsx:
        case Language::kVue:
        case Language::kSvelte:
        case Language::kGo:
        case Language::kJava:
        case Language::kCSharp:
        case Language::kRust: return true;
        default: return false;
    }
}

Importers::Importers(const std::vector<std::string>& modules)
    : modules_(modules.begin(), modules.end()),
      scanner_(std::vector<std::string_view>(modules.begin(), modules.end())) {
}

// From the names to the lines, not the other way round: most files hold none of the names, and
// nearly all hold lines that import. The first that does decides, and stands near the top.
bool Importers::name_one(std::string_view text, Language language) const {
    while (true) {
        Range name;
        const auto is_one = [&](const Matcher::Hit& hit) {
            name = {hit.end, hit.end};
            if (hit.end < text.size() && is_name_char(text[hit.end])) return false;
            while (name.begin > 0 && name.end - name.begin <= scanner_.longest() &&
                   is_name_char(text[name.begin - 1]))
                --name.begin;
            return modules_.contains(to_lower(text.substr(name.begin, name.end - name.begin)));
        };
        if (!scanner_.any(text, is_one)) return false;
        if (see_each_other(language)) return true;
        const auto line = text.rfind('\n', name.begin) + 1;
        const auto line_end = std::min(text.find('\n', name.end), text.size());
        if (import_scanner().matches(text.substr(line, line_end - line))) return true;
        text.remove_prefix(line_end);
    }
}

std::optional<std::vector<std::string>> imported_modules(const ParsedFile& file) {
    using Reader = void (*)(std::string_view, std::vector<std::string>&);
    Reader read = nullptr;
    switch (file.source.form().language) {
        case Language::kPython: read = python_modules; break;
        case Language::kJavaScript:
        case Language::kTypeScript:
        case Language::kTsx:
        case Language::kVue:
        case Language::kSvelte: read = quoted_modules; break;
        default: return std::nullopt;
    }
    std::vector<std::string> out;
    import_lines(file.source, [&](std::string_view line) {
        // A bundle's line holds thousands of literals that are no modules.
        constexpr std::size_t kLongestImport = 4096;
        if (line.size() <= kLongestImport) read(line, out);
    });
    return out;
}

}  // namespace segue::audit
