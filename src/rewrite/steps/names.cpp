// final: names that hold the word, and the files that are called so, in code, configuration and
// prose. What is bound to a package that is still imported stays: binding beats spelling.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "audit/syntax/tree.hpp"
#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/compose_file.hpp"
#include "rewrite/steps/file_names.hpp"
#include "rewrite/steps/name_map.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

bool name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// "ollama pull x" is a command, not a name.
bool is_command(std::string_view after) {
    static constexpr std::array<std::string_view, 14> kWords{
        "serve", "run",    "pull", "push", "list", "ls",    "ps",
        "show",  "create", "cp",   "rm",   "stop", "start", "launch"};
    while (after.starts_with("\",") || after.starts_with("',"))
        after.remove_prefix(2);
    const auto begin = after.find_first_not_of(" \t\"'");
    if (begin == 0 || begin == std::string_view::npos) return false;
    after.remove_prefix(begin);
    for (const auto word : kWords)
        if (after.starts_with(word) &&
            (after.size() == word.size() || !name_char(after[word.size()])))
            return true;
    return false;
}

/// What a file has from packages of Ollama's that it still imports.
struct Bound {
    std::set<std::string, std::less<>> names;
    std::vector<std::string_view> lines;  // that import them
    std::set<std::size_t> begins;         // of these lines

    /// `llama_index.llms.ollama` of `llama_index.llms.ollama.Ollama(…)`.
    bool imports(std::string_view path) const {
        return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
            return line.find(path) != std::string_view::npos;
        });
    }
};

/// The part of an import that binds names: `from a.ollama import Ollama` binds the second only.
std::string_view binding_part(std::string_view line, Language language) {
    const auto text = trim(line);
    if (language == Language::kPython && text.starts_with("from ")) {
        const auto at = line.find(" import ");
        return at == std::string_view::npos ? line : line.substr(at + 8);
    }
    return line;
}

Bound bound_names(const File& file, const Context& context) {
    Bound bound;
    for (const auto& finding : context.report.findings) {
        if (finding.path != file.path || finding.rule != 101) continue;
        const auto line = line_around(file.text, finding.byte_start);
        const auto quoted = line.find_first_of("\"'`");
        if (quoted != std::string_view::npos) {
            const auto end = line.find(line[quoted], quoted + 1);
            if (end != std::string_view::npos &&
                context.model.is_local_module(line.substr(quoted + 1, end - quoted - 1), file.path))
                continue;
        }
        bound.lines.push_back(line);
        bound.begins.insert(line_begin(file.text, finding.byte_start));
        const auto part = binding_part(line, file.language());
        for (auto word = audit::find_word(part); word; word = audit::find_word(part, word->end)) {
            const auto id = identifier_around(part, *word);
            bound.names.emplace(part.substr(id.begin, id.end - id.begin));
        }
    }
    return bound;
}

/// `settings.ollama`, `client?.ollama`: whoever defines it calls it so, too. Not the path of a
/// module.
bool is_member(std::string_view text, Range id) {
    if (id.begin < 2 || text[id.begin - 1] != '.') return false;
    const char owner = text[id.begin - 2];
    if (!name_char(owner) && owner != ')' && owner != ']' && owner != '?') return false;
    const auto line = trim(line_around(text, id.begin));
    return !line.starts_with("import ") && !line.starts_with("from ") &&
           !line.starts_with("export ") && line.find("require(") == std::string_view::npos;
}

/// "a.b.ollama" up to the name.
std::string_view dotted(std::string_view text, Range id) {
    auto begin = id.begin;
    while (begin > 0 && (name_char(text[begin - 1]) || text[begin - 1] == '.'))
        --begin;
    return text.substr(begin, id.end - begin);
}

class Renamer {
public:
    Renamer(const Workspace& workspace, const Context& context)
        : workspace_(workspace),
          context_(context),
          map_(workspace),
          files_(workspace, context, map_) {}

    Groups run() {
        for (const auto& [path, file] : workspace_.files)
            units_ = units_ || path.ends_with("ollama.service") || path.ends_with("vllm.service"),
            servers_stay_ = servers_stay_ ||
                            (file.editable() && file.form.compose && !server_blocks(file).empty());
        // A member has one name wherever it is used: where one use must stay, all do.
        for (const auto& [path, file] : workspace_.files)
            if (file.editable() && file.form.code) contents(file, Pass::kLook);
        for (const auto& [path, file] : workspace_.files)
            if (file.editable()) contents(file, Pass::kWrite);
        Groups groups = files_.groups();
        for (auto& [name, group] : by_name_)
            groups.push_back(std::move(group));
        return groups;
    }

private:
    enum class Pass : bool { kLook, kWrite };

    void contents(const File& file, Pass pass) {
        const std::string_view text = file.text;
        if (!audit::has_word(text)) return;
        const Regions regions(file);
        auto bound = bound_names(file, context_);
        std::set<std::size_t> speaks;     // lines that use a package of Ollama's
        std::set<std::size_t> closed;     // lines whose findings say that the word stays
        std::set<std::size_t> of_client;  // places of a client, its maker or its methods
        for (const auto& finding : context_.report.findings) {
            if (finding.path != file.path) continue;
            if (finding.rule == 101 || finding.rule == 102)
                speaks.insert(line_begin(text, finding.byte_start));
            if (finding.rule == 102) of_client.insert(finding.byte_start);
            const bool image = finding.rule == 113 &&
                               line_around(text, finding.byte_start).find(".Values.") ==
                                   std::string_view::npos;  // there the names of values stand
            if (finding.rule == 153 || finding.rule == 112 || image || !finding.suppressed.empty())
                closed.insert(line_begin(text, finding.byte_start));
        }
        if (file.form.compose) foreign_names(file, closed);
        if (file.language() == Language::kYaml) framework_keys(file, closed);
        const auto servers = server_blocks(file);
        std::optional<audit::Tree> page;
        if (pass == Pass::kWrite &&
            (file.language() == Language::kTsx || file.language() == Language::kJavaScript))
            page = audit::Tree::parse(file.language(), text);
        for (auto word = audit::find_word(text); word;
             word = audit::find_word(text, word->begin + 6)) {
            const auto id = identifier_around(text, *word);
            const auto begin = line_begin(text, word->begin);
            // What still runs Ollama keeps its name, and with it those who refer to it.
            if (covered(servers, word->begin)) continue;
            if (servers_stay_ && file.language() == Language::kYaml &&
                text.substr(id.begin, id.end - id.begin) == "ollama")
                continue;
            if (is_kept_name(context_.model, text, word->begin)) continue;
            const auto name = text.substr(id.begin, id.end - id.begin);
            const auto region = regions.at(word->begin);
            const bool talk = region == Region::kComment || region == Region::kProse;
            const auto fate = files_.fate(file, text, id);
            if (fate == FileNames::Fate::kStays) {
                if (region == Region::kCode) bound.names.emplace(name);  // the module, by import
                continue;
            }
            const bool member = file.form.code && !talk && !fate && is_member(text, id);
            const bool compiled =
                file.language() == Language::kCSharp || file.language() == Language::kJava ||
                file.language() == Language::kGo || file.language() == Language::kRust ||
                file.language() == Language::kKotlin;
            if (closed.contains(begin) || (member && of_client.contains(word->begin)) ||
                (fate != FileNames::Fate::kMoves && stays(text, *word)) ||
                (compiled && region == Region::kCode && speaks.contains(begin))) {
                if (member) held_.emplace(name);
                continue;
            }
            const bool of_package =
                member ? bound.imports(dotted(text, id)) : bound.names.contains(name);
            if (!talk && ((of_package && !fate) || bound.begins.contains(begin))) continue;
            if (pass == Pass::kLook) continue;
            if (file.form.code && !fate && (member || region == Region::kCode) &&
                held_.contains(name))
                continue;
            one(file, text, id, name,
                region == Region::kCode && is_page_text(page, word->begin) ? Region::kText : region,
                fate.has_value());
        }
    }

    /// Words between tags: <b>Ollama</b>.
    static bool is_page_text(const std::optional<audit::Tree>& page, std::size_t at) {
        if (!page) return false;
        const auto place = static_cast<std::uint32_t>(at);
        const auto node = ts_node_descendant_for_byte_range(page->root(), place, place + 1);
        return std::string_view(ts_node_type(node)) == "jsx_text";
    }

    /// Keys that a framework reads: spring.ai.ollama.
    static void framework_keys(const File& file, std::set<std::size_t>& closed) {
        if (file.text.find("spring:") == std::string::npos &&
            file.text.find("langchain4j:") == std::string::npos)
            return;
        const YamlLines yaml(file.text);
        for (std::size_t i = 0; i < yaml.lines().size(); ++i) {
            const auto path = yaml.path(static_cast<int>(i));
            if (path == "spring.ai.ollama" || path.find("langchain4j.ollama") != std::string::npos)
                closed.insert(yaml.lines()[i].begin);
        }
    }

    /// Names that another product's image reads.
    static void foreign_names(const File& file, std::set<std::size_t>& closed) {
        const ComposeFile compose(file);
        for (const int service : compose.services()) {
            if (!compose.is_foreign(service)) continue;
            const auto environment = compose.yaml().child(service, "environment");
            if (!environment) continue;
            for (const int i : compose.yaml().children(*environment)) {
                const auto& line = compose.line(i);
                const auto name = line.item ? yaml_unquoted(line.value) : line.key;
                if (audit::has_word(name.substr(0, name.find('=')))) closed.insert(line.begin);
            }
        }
    }

    /// The word in the path of somebody else's page: https://blog.example.com/how-to-run-ollama.
    static bool in_foreign_url(std::string_view line, std::size_t at) {
        const auto scheme = line.substr(0, at).rfind("://");
        if (scheme == line.npos) return false;
        const auto between = line.substr(scheme + 3, at - scheme - 3);
        if (between.find_first_of(" \t\"'`<>)") != between.npos) return false;
        const auto slash = between.find('/');
        if (slash == between.npos) return false;
        const auto host = between.substr(0, slash);
        return host.find('.') != host.npos && host.find(':') == host.npos &&
               host.find_first_not_of("0123456789.") != host.npos && host.find('{') == host.npos &&
               host.find('$') == host.npos;
    }

    /// A site, an image, a data folder, a command, a system service: other families know them.
    bool stays(std::string_view text, Range word) const {
        const auto line = line_around(text, word.begin);
        const auto at = word.begin - line_begin(text, word.begin);
        const auto after = line.substr(std::min(line.size(), at + 6));
        const auto before = line.substr(0, at);
        if (is_command(after)) return true;
        // Keys of other people's frameworks, and paths that a test patches.
        if (before.ends_with("spring.ai.") || before.ends_with("langchain4j.")) return true;
        if (before.ends_with("mock('") || before.ends_with("mock(\"")) return true;
        if (before.ends_with('.') && after.size() > 1 && after.front() == '.') {
            const auto end =
                after.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", 1);
            const auto member = after.substr(1, end == after.npos ? after.npos : end - 1);
            if (audit::is_client_method(member) || member == "Client" || member == "AsyncClient")
                return true;
        }
        if (in_foreign_url(line, at)) return true;
        if (after.starts_with("/ollama") || before.ends_with("ollama/")) return true;
        // ~/.ollama and .ollama/, not a style's ".ollama-badge".
        if (before.ends_with("/.") || (before.ends_with('.') && after.starts_with('/')))
            return true;
        if (before.ends_with("://") || before.ends_with("www.") || before.ends_with("docs.") ||
            before.ends_with("registry.")) {
            for (const std::string_view top : {".com", ".ai"})
                if (after.starts_with(top) &&
                    (after.size() == top.size() ||
                     (!name_char(after[top.size()]) && after[top.size()] != '.')))
                    return true;
        }
        if (before.ends_with("github.com/") || before.ends_with("githubusercontent.com/"))
            return true;
        if ((line.find("systemctl") != std::string_view::npos && !units_) ||
            line.find("/usr/share/ollama") != std::string_view::npos ||
            line.find("/usr/local/bin/ollama") != std::string_view::npos)
            return true;
        return false;
    }

    void one(const File& file, std::string_view text, Range id, std::string_view name,
             Region region, bool names_file) {
        const bool talk = region == Region::kComment || region == Region::kProse ||
                          region == Region::kText || file.form.doc;
        const bool pathlike =
            names_file ||
            (id.begin > 0 && (text[id.begin - 1] == '/' || text[id.begin - 1] == '\\')) ||
            (id.end + 1 < text.size() && text[id.end] == '.' && name_char(text[id.end + 1]));
        const bool string = region == Region::kString || region == Region::kValue;
        const auto manner = (talk || string) && !pathlike ? Manner::kProse : Manner::kCode;
        // A sentence, not an identifier.
        const bool sentence =
            string && name == "Ollama" &&
            ((id.begin > 0 && text[id.begin - 1] == ' ') ||
             (id.end < text.size() && (text[id.end] == ' ' || text[id.end] == '\'')));
        if (!talk && !pathlike && !sentence) {
            const auto why = map_.kept(name, file.path);
            const bool whole = name != "ollama" || region != Region::kCode;
            if (!why.empty() && whole) {
                group_of(name).note(file, id.begin, why, {}, 120);
                return;
            }
        }
        const auto fresh = map_.renamed(name, file.path, manner);
        auto begin = id.begin;
        auto& group = group_of(name);
        std::string put = fresh;
        if (talk) {
            if (names_both(file, id.begin)) {
                both(file, text, id, group);
                return;
            }
            // "an Ollama server" → "a vLLM server"
            if (begin >= 3 &&
                (text.substr(begin - 3, 3) == "an " || text.substr(begin - 3, 3) == "An ") &&
                (begin == 3 || !name_char(text[begin - 4]))) {
                put = std::string(1, text[begin - 3]) + " " + fresh;
                begin -= 3;
            }
            // A drawing keeps its lines.
            if (put.size() < name.size() && id.end < text.size() && text[id.end] == ' ' &&
                line_around(text, id.begin).find("│") != std::string_view::npos)
                put.resize(name.size(), ' ');
        }
        group.edit(file, begin, id.end, std::move(put), rule_for(file, id.begin, talk));
    }

    /// The line spoke of vLLM before we wrote anything.
    static bool names_both(const File& file, std::size_t at) {
        const auto begin = line_begin(file.text, at);
        const auto lower = to_lower(line_around(file.text, begin));
        for (auto found = lower.find("vllm"); found != std::string::npos;
             found = lower.find("vllm", found + 1)) {
            const auto place = begin + found;
            const bool ours = std::any_of(
                file.marks.begin(), file.marks.end(),
                [&](const Mark& mark) { return mark.begin <= place && place < mark.end; });
            if (!ours) return true;
        }
        return false;
    }

    /// A sentence about both engines: what it says is not known.
    static void both(const File& file, std::string_view text, Range id, Group& group) {
        group.note(file, id.begin, "speaks of both engines: say what is true now",
                   std::string(trim(line_around(text, id.begin))), file.form.doc ? 124 : 123);
    }

    int rule_for(const File& file, std::size_t at, bool talk) const {
        const auto begin = line_begin(file.text, at);
        const auto end = line_end(file.text, at);
        for (const auto& finding : context_.report.findings)
            if (finding.path == file.path && finding.byte_start >= begin &&
                finding.byte_start < end && finding.rule < 150)
                return finding.rule;
        return file.form.doc ? 124 : talk ? 123 : 119;
    }

    Group& group_of(std::string_view name) {
        auto& group = by_name_[std::string(name)];
        if (group.what.empty()) {
            group.what = fmt::format("rename {}", name);
            group.rule = 119;
        }
        return group;
    }

    const Workspace& workspace_;
    const Context& context_;
    NameMap map_;
    FileNames files_;
    std::map<std::string, Group> by_name_;
    std::set<std::string, std::less<>> held_;  // members that must be called so somewhere
    bool units_ = false;                       // the tree has the unit that runs the server
    bool servers_stay_ = false;                // compose still runs an Ollama
};

}  // namespace

Groups rename_names(const Workspace& workspace, const Context& context) {
    return Renamer(workspace, context).run();
}

}  // namespace segue::rewrite
