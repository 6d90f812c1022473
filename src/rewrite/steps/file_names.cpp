#include "rewrite/steps/file_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"

namespace segue::rewrite {
namespace {

using audit::Range;

bool path_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
           c == '/' || c == '@' || c == '~';
}

/// "ollama.service.ts" → "ollama.service".
std::string_view without_ending(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

bool is_import(std::string_view line) {
    line = trim(line);
    return line.starts_with("import ") || line.starts_with("from ");
}

/// What is written around the name, as far as it may be a path: "./llm/ollama.js",
/// "app.llm.ollama". Empty where it is none.
Range written_path(const File& file, std::string_view text, Range id) {
    auto begin = id.begin;
    while (begin > 0 && path_char(text[begin - 1]))
        --begin;
    auto end = id.end;
    while (end < text.size() && path_char(text[end]))
        ++end;
    const char before = begin > 0 ? text[begin - 1] : ' ';
    const char after = end < text.size() ? text[end] : ' ';
    const bool quoted = (before == '"' || before == '\'' || before == '`') && after == before;
    const bool linked = before == '(' && (after == ')' || after == '#');
    if (quoted || linked) {
        const auto path = text.substr(begin, end - begin);
        return path.find_first_of("./") == std::string_view::npos ? Range{} : Range{begin, end};
    }
    if (!file.form.code) return {};
    // Python: the words between "from" and "import", and those behind "import".
    const auto line_at = line_begin(text, id.begin);
    const auto line = line_around(text, id.begin);
    if (!is_import(line) || line.find_first_of("\"'") != std::string_view::npos) return {};
    const auto names = line.find(" import ");
    const bool from = trim(line).starts_with("from ");
    if (from && names != std::string_view::npos && id.begin - line_at > names) return {};
    return {begin, end};
}

/// `from .llm import ollama` may import a module: ".llm.ollama". Empty where it can't.
std::string imported_from(const File& file, std::string_view text, Range id) {
    if (file.language() != Language::kPython) return {};
    const auto line = line_around(text, id.begin);
    const auto names = line.find(" import ");
    const auto from = line.find("from ");
    if (names == std::string_view::npos || !trim(line).starts_with("from ") ||
        id.begin - line_begin(text, id.begin) < names)
        return {};
    const auto package = trim(line.substr(from + 5, names - from - 5));
    const auto name = text.substr(id.begin, id.end - id.begin);
    return std::string(package) + (package.ends_with('.') ? "" : ".") + std::string(name);
}

/// "../llm/x" seen from "web/src" → "web/llm/x".
std::string resolved(std::string_view folder, std::string_view path) {
    std::string at(folder);
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (part == "..")
            at = folder_of(at);
        else if (!part.empty() && part != ".")
            at += (at.empty() ? "" : "/") + std::string(part);
    }
    return at;
}

}  // namespace

FileNames::FileNames(const Workspace& workspace, const Context& context, const NameMap& names) {
    std::set<std::string, std::less<>> targets;
    for (const auto& [path, file] : workspace.files) {
        const bool movable = file.editable() || file.locked == "binary";
        if (!movable || !audit::has_word(path)) continue;
        const auto fresh = renamed(path, context, names);
        const bool taken =
            fresh != path && (workspace.files.contains(fresh) || !targets.insert(fresh).second);
        const auto fate = fresh == path || taken ? Fate::kStays : Fate::kMoves;
        // Each folder on the way is a place as well; one file that stays keeps it there.
        for (auto end = path.find('/');; end = path.find('/', end + 1)) {
            const auto place = std::string_view(path).substr(0, end);
            const auto last = end == std::string::npos;
            if (audit::has_word(place.substr(folder_of(place).size()))) {
                auto& known =
                    places_.try_emplace(std::string(last ? without_ending(place) : place), fate)
                        .first->second;
                if (fate == Fate::kStays) known = fate;
            }
            if (last) break;
        }
        if (fresh == path) continue;
        Group group;
        group.rule = 119;
        group.what = fmt::format("rename {} to {}", path, fresh);
        if (taken)
            group.note(file, 0, fmt::format("cannot become {}: there is such a file", fresh),
                       "merge the two, then delete this one");
        else
            group.renames.emplace_back(path, fresh);
        groups_.push_back(std::move(group));
    }
}

std::string FileNames::renamed(std::string_view path, const Context& context,
                               const NameMap& names) const {
    std::string out;
    std::size_t from = 0;
    for (auto word = audit::find_word(path); word; word = audit::find_word(path, from)) {
        const auto id = identifier_around(path, *word);
        out.append(path.substr(from, id.begin - from));
        const auto name = path.substr(id.begin, id.end - id.begin);
        const bool ends_part = id.end == path.size() || path[id.end] == '/';
        const bool data = id.begin > 0 && path[id.begin - 1] == '.' && ends_part;  // ".ollama/"
        if (data || is_kept_name(context.model, path, word->begin))
            out.append(name);
        else
            out += names.renamed(name, path, Manner::kCode);
        from = id.end;
    }
    out.append(path.substr(from));
    return out;
}

std::optional<FileNames::Fate> FileNames::fate(const File& file, std::string_view text,
                                               Range id) const {
    if (places_.empty()) return std::nullopt;
    const auto at = written_path(file, text, id);
    const auto module = imported_from(file, text, id);
    if (at.begin == at.end && module.empty()) return std::nullopt;
    const std::string_view written =
        module.empty() ? text.substr(at.begin, at.end - at.begin) : std::string_view(module);
    const auto name_at = module.empty() ? id.begin - at.begin : module.rfind('.') + 1;
    std::string path;
    bool exact = false;
    if (written.find('/') != std::string_view::npos) {
        const auto end = written.find('/', name_at);
        path = end == std::string_view::npos ? without_ending(written) : written.substr(0, end);
        exact = path.starts_with('.');
        if (exact) path = resolved(folder_of(file.path), path);
        for (const std::string_view alias : {"@/", "~/", "/"})
            if (path.starts_with(alias)) path.erase(0, alias.size());
    } else {
        const auto end = written.find('.', name_at);
        const auto until = written.substr(0, end);
        const auto dots = std::min(until.find_first_not_of('.'), until.size());
        path = replace_all(until.substr(dots), ".", "/");
        exact = dots > 0;  // "from ..llm.ollama import": one dot is the file's own folder
        if (exact) {
            std::string folder(folder_of(file.path));
            for (std::size_t up = 1; up < dots; ++up)
                folder = folder_of(folder);
            path = resolved(folder, path);
        }
    }
    if (exact) {
        const auto known = places_.find(path);
        if (known != places_.end()) return known->second;
        // "./ollama.service" without the ending of its language.
        const auto whole = places_.find(resolved(folder_of(file.path), written));
        return whole == places_.end() ? std::nullopt : std::optional(whole->second);
    }
    // From some root of imports: of those that end so, the nearest.
    std::optional<Fate> best;
    std::size_t common = 0;
    for (const auto& [place, fate] : places_) {
        const bool ends = place.ends_with(path) && (place.size() == path.size() ||
                                                    place[place.size() - path.size() - 1] == '/');
        if (!ends) continue;
        const auto same = static_cast<std::size_t>(
            std::mismatch(place.begin(), place.end(), file.path.begin(), file.path.end()).first -
            place.begin());
        if (!best || same > common) {
            best = fate;
            common = same;
        }
    }
    return best;
}

}  // namespace segue::rewrite
