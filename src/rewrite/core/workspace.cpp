#include "rewrite/core/workspace.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "audit/syntax/tree.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::rewrite {
namespace {

std::size_t count_errors(TSNode node) {
    if (!ts_node_has_error(node)) return 0;
    std::size_t count = ts_node_is_error(node) || ts_node_is_missing(node) ? 1 : 0;
    for (std::uint32_t i = 0; i < ts_node_child_count(node); ++i)
        count += count_errors(ts_node_child(node, i));
    return count;
}

/// Blanks all but line ends, so that offsets and lines stay.
void blank(std::string& text, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < text.size(); ++i)
        if (text[i] != '\n' && text[i] != '\r') text[i] = ' ';
}

}  // namespace

std::string script_of(std::string_view text, Language& language) {
    if (language != Language::kVue && language != Language::kSvelte) return std::string(text);
    const bool vue = language == Language::kVue;
    (void)vue;
    std::string out(text);
    language = Language::kJavaScript;
    std::size_t from = 0;
    std::size_t at = 0;
    while ((at = text.find("<script", at)) != std::string_view::npos) {
        const auto open = text.find('>', at);
        if (open == std::string_view::npos) break;
        const auto head = text.substr(at, open - at);
        if (head.find("lang=\"ts\"") != std::string_view::npos ||
            head.find("lang='ts'") != std::string_view::npos)
            language = Language::kTypeScript;
        if (head.find("lang=\"tsx\"") != std::string_view::npos) language = Language::kTsx;
        const auto close = text.find("</script", open);
        const auto end = close == std::string_view::npos ? text.size() : close;
        blank(out, from, open + 1);
        from = end;
        at = end;
    }
    blank(out, from, out.size());
    return out;
}

std::size_t syntax_errors(Language language, std::string_view text) {
    const auto script = script_of(text, language);
    if (language == Language::kJson) return json::is_valid(text) ? 0 : 1;
    const auto tree = audit::Tree::parse(language, script);
    return tree ? count_errors(tree->root()) : 0;
}

File* Workspace::find(std::string_view path) {
    const auto at = files.find(path);
    return at == files.end() ? nullptr : &at->second;
}

std::size_t Workspace::attempt(const std::vector<Group>& groups, std::set<std::size_t>& lost) {
    std::map<std::string, std::vector<Edit>, std::less<>> by_file;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (lost.contains(i)) continue;
        for (const auto& placed : groups[i].edits) {
            const auto* const file = find(placed.path);
            if (file == nullptr || !file->editable()) {
                lost.insert(i);
                return 1;
            }
            auto edit = placed.edit;
            edit.group = i;
            by_file[placed.path].push_back(std::move(edit));
        }
    }
    for (auto& [path, edits] : by_file) {
        const auto out = settle(find(path)->text.size(), edits);
        if (out.empty()) continue;
        lost.insert(out.begin(), out.end());
        return out.size();  // their edits in other files have to go, too
    }
    std::map<std::string, std::string, std::less<>> fresh;
    for (const auto& [path, edits] : by_file) {
        const auto& file = *find(path);
        auto text = apply_edits(file.text, edits);
        const auto before = syntax_errors(file.language(), file.text);
        if (syntax_errors(file.language(), text) > before) {
            // The group that breaks it alone; when none does, all of them.
            std::set<std::size_t> suspects;
            for (const auto& edit : edits)
                suspects.insert(edit.group);
            std::size_t count = 0;
            for (const auto suspect : suspects) {
                std::vector<Edit> alone;
                std::copy_if(edits.begin(), edits.end(), std::back_inserter(alone),
                             [&](const Edit& edit) { return edit.group == suspect; });
                if (syntax_errors(file.language(), apply_edits(file.text, alone)) > before) {
                    lost.insert(suspect);
                    ++count;
                }
            }
            if (count == 0) lost.insert(suspects.begin(), suspects.end());
            return std::max<std::size_t>(1, count);
        }
        fresh.emplace(path, std::move(text));
    }
    // Nothing can fail any more.
    for (auto& [path, text] : fresh) {
        auto& file = *find(path);
        const auto& edits = by_file.find(path)->second;
        for (auto& mark : file.marks) {
            mark.begin = moved(mark.begin, edits, file.text);
            mark.end = std::max(mark.begin, moved(mark.end, edits, file.text));
        }
        for (auto& todo : file.todos)
            todo.at = moved(todo.at, edits, file.text);
        std::size_t shift = 0;
        for (const auto& edit : edits) {
            const auto begin = edit.start + shift;
            file.marks.push_back({begin, begin + edit.text.size(), edit.rule});
            shift += edit.text.size() - (edit.end - edit.start);
        }
        for (std::size_t i = 0; i < groups.size(); ++i)
            if (!lost.contains(i))
                for (const auto& note : groups[i].notes)
                    if (note.path == path)
                        file.todos.push_back({moved(note.at, edits, file.text), note.reason,
                                              note.suggestion, note.rule});
        file.text = std::move(text);
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (lost.contains(i)) continue;
        for (const auto& note : groups[i].notes)
            if (!fresh.contains(note.path))
                if (auto* const file = find(note.path); file != nullptr)
                    file->todos.push_back({note.at, note.reason, note.suggestion, note.rule});
        for (const auto& [path, text] : groups[i].files) {
            File file;
            file.path = path;
            file.text = text;
            file.form = audit::classify(path, text);
            file.marks.push_back({0, text.size(), groups[i].rule});
            files.emplace(path, std::move(file));
        }
        for (const auto& path : groups[i].removals)
            if (auto* const file = find(path); file != nullptr) {
                file->removed = true;
                file->todos.clear();
            }
        for (const auto& [from, to] : groups[i].renames) {
            auto node = files.extract(from);
            if (node.empty()) continue;
            node.key() = to;
            node.mapped().path = to;
            files.insert(std::move(node));
        }
    }
    return 0;
}

std::size_t Workspace::apply(std::vector<Group> groups) {
    std::erase_if(groups, [](const Group& group) { return group.empty(); });
    std::set<std::size_t> lost;
    while (attempt(groups, lost) != 0) {
    }
    for (const auto i : lost) {
        const auto& group = groups[i];
        std::set<std::string> told;
        for (const auto& placed : group.edits) {
            auto* const file = find(placed.path);
            if (file == nullptr || !told.insert(placed.path).second) continue;
            file->todos.push_back(
                {placed.edit.start,
                 fmt::format("not done: {} (it meets another change, or the file would not parse "
                             "any more)",
                             group.what),
                 {},
                 group.rule});
        }
    }
    return groups.size() - lost.size();
}

}  // namespace segue::rewrite
