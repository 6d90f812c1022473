#include "audit/model.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::string_view text_of(const ParsedFile& file, const Segment& segment) {
    return file.source.text().substr(segment.begin, segment.end - segment.begin);
}

std::string_view unquoted(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
        text.back() == text.front())
        text = text.substr(1, text.size() - 2);
    return text;
}

/// A name that configuration reads from the environment: capitals, digits, '_'.
bool env_like(std::string_view name) {
    return name.size() >= 4 && std::isupper(static_cast<unsigned char>(name.front())) != 0 &&
           std::all_of(name.begin(), name.end(),
                       [](char c) {
                           return std::isupper(static_cast<unsigned char>(c)) != 0 ||
                                  std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
                       }) &&
           std::any_of(name.begin(), name.end(), [](char c) { return c == '_'; });
}

FlowStep place(const ParsedFile& file, std::size_t offset, std::string what) {
    return {file.source.path(), file.source.line_of(offset) + 1, std::move(what)};
}

/// What a value says of its name: an address, a model, or nothing.
std::optional<Carries> carried_by(std::string_view name, std::string_view value, bool speaks) {
    value = unquoted(value);
    if (value.empty() || value.size() > 300) return std::nullopt;
    static constexpr std::string_view kModelNames[] = {"model", "llm", "embedding", "embed",
                                                       "models"};
    if (find_port(value)) return Carries::kAddress;
    if (const auto word = find_word(value)) {
        const auto scheme = value.find("://");
        if (scheme != std::string_view::npos && scheme < word->begin) {
            const auto before = value.substr(scheme + 3, word->begin - scheme - 3);
            // As the host: not the user of a database, not a path.
            const bool user = value.find('@', word->end) != std::string_view::npos;
            if (before.find('/') == std::string_view::npos && !user) return Carries::kAddress;
            return std::nullopt;
        }
        static constexpr std::string_view kHostNames[] = {"host",   "url",      "addr",
                                                          "server", "endpoint", "base"};
        if (iequals(value, "ollama") && mentions(name, kHostNames)) return Carries::kAddress;
        return std::nullopt;
    }
    const auto tag = find_tag(value);
    if (tag && tag->at == Range{0, value.size()} &&
        (tag->family_known || mentions(name, kModelNames)) &&
        (speaks || mentions(name, kModelNames)))
        return Carries::kModel;
    if (speaks && is_bare_family(value) && mentions(name, kModelNames)) return Carries::kModel;
    return std::nullopt;
}

void learn_name(Model& model, std::string_view name, Carries carries, FlowStep from) {
    if (has_word(name) || name.size() < 3) return;  // found without help
    model.learned.try_emplace(std::string(name), Learned{carries, std::move(from)});
}

void learn_environment(const ParsedFile& file, const Surroundings& around, Model& model) {
    const auto& form = file.source.form();
    if (form.doc || form.derived) return;
    const auto& list = file.segments.list;
    std::string pending;  // k8s: `- name: X` and then `value: ...`
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto& segment = list[i];
        const auto text = text_of(file, segment);
        const bool other = around.at(file.source.line_of(segment.begin)) == Server::kOther;
        const auto define = [&](std::string_view name, std::string_view value) {
            if (!env_like(name) || names_other_server(name)) return;
            const auto carries = carried_by(name, value, around.speaks_ollama() && !other);
            if (!carries || (*carries == Carries::kModel && other)) return;
            learn_name(model, name, *carries,
                       place(file, segment.begin, std::string(name) + " gets its value"));
        };
        if (segment.region == Region::kKey && i + 1 < list.size() &&
            list[i + 1].region == Region::kValue) {
            const auto value = text_of(file, list[i + 1]);
            const auto name = unquoted(text);
            if (name == "name") pending = std::string(unquoted(value));
            if (name == "value" && !pending.empty()) define(pending, value);
            define(name, value);
        } else if (segment.region == Region::kValue || segment.region == Region::kShell) {
            // `- NAME=value`, `ENV NAME=value`, `export NAME=value`.
            const auto line = unquoted(text);
            const auto equals = line.find('=');
            if (equals != std::string_view::npos) {
                const auto space = line.find_last_of(" \t", equals);
                const auto begin = space == std::string_view::npos ? 0 : space + 1;
                define(line.substr(begin, equals - begin), line.substr(equals + 1));
            }
        } else if (segment.region == Region::kCode && form.language == Language::kShell) {
            for (std::size_t at = 0; (at = text.find('=', at)) != std::string_view::npos; ++at) {
                const auto name = name_around(text, {at, at}, "_");
                const auto end = std::min(text.find_first_of(" \n;", at), text.size());
                std::string_view value = text.substr(at + 1, end - at - 1);
                if (value.empty() && i + 1 < list.size()) value = text_of(file, list[i + 1]);
                define(text.substr(name.begin, at - name.begin), value);
            }
        }
    }
    if (!form.code) return;
    // Code: an environment name and its default on one line.
    for (const auto& token : file.tokens) {
        if (token.type != TokenType::kPort && token.type != TokenType::kTag &&
            token.type != TokenType::kFamily && token.type != TokenType::kWord)
            continue;
        const auto& segment = list[token.segment];
        if (segment.region != Region::kString) continue;
        const auto line = file.source.line_at(token.begin);
        if (to_lower(line).find("env") == std::string::npos &&
            line.find("getProperty") == std::string_view::npos)
            continue;
        const auto value = text_of(file, segment);
        for (std::size_t at = 0; at < line.size();) {
            if (std::isupper(static_cast<unsigned char>(line[at])) == 0) {
                ++at;
                continue;
            }
            const auto name = name_around(line, {at, at + 1}, "_");
            const auto word = line.substr(name.begin, name.end - name.begin);
            if (name.begin == at && env_like(word) && !names_other_server(word)) {
                const auto carries = carried_by(word, value, around.speaks_ollama());
                // `NAME = os.getenv("X", ...)`: the name on the left is a variable, the flow
                // follows it.
                const char next = name.end < line.size() ? line[name.end] : ' ';
                const bool quoted = next == '"' || next == '\'' || (at > 0 && line[at - 1] == '.');
                if (carries && quoted)
                    learn_name(model, word, *carries,
                               place(file, token.begin, std::string(word) + " has this default"));
            }
            at = std::max(name.end, at + 1);
        }
    }
}

}  // namespace

std::string normalised(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) out.push_back(ascii_lower(c));
    return out;
}

bool Model::is_own_name(std::string_view name) const {
    const auto word = find_word(name);
    return word && own_name_covers(name, word->begin);
}

bool Model::own_name_covers(std::string_view line, std::size_t at) const {
    if (own_names.empty()) return false;
    // Letters and digits only, with their places: the name may be spread over separators.
    std::string bare;
    std::vector<std::size_t> places;
    const std::size_t from = at > 120 ? at - 120 : 0;
    for (std::size_t i = from; i < line.size() && i < at + 120; ++i)
        if (std::isalnum(static_cast<unsigned char>(line[i])) != 0) {
            bare.push_back(ascii_lower(line[i]));
            places.push_back(i);
        }
    const auto edge = [&](std::size_t i) {
        return i >= line.size() || std::isalnum(static_cast<unsigned char>(line[i])) == 0;
    };
    for (const auto& own : own_names)
        for (std::size_t found = 0; (found = bare.find(own, found)) != std::string::npos; ++found) {
            const auto begin = places[found];
            const auto last = places[found + own.size() - 1];
            // Spread over words it is a name only in capitals: "Acme Ollama Desk", but not "based
            // Ollama chat".
            bool name = true;
            for (auto i = begin + 1; i <= last; ++i)
                name = name && (line[i - 1] != ' ' ||
                                std::islower(static_cast<unsigned char>(line[i])) == 0);
            if (!name) continue;
            if ((begin == 0 || edge(begin - 1)) && edge(last + 1) && begin <= at && last >= at &&
                last - begin < own.size() + 8)
                return true;
        }
    return false;
}

bool Model::is_local_module(std::string_view module, std::string_view importer) const {
    if (module.empty()) return false;
    if (module.front() == '.' || module.starts_with("@/") || module.starts_with("~/") ||
        module.starts_with("#") || module.starts_with("$lib") || module.starts_with("src/") ||
        module.starts_with("crate::") || module.starts_with("super::") ||
        module.starts_with("self::") || module.starts_with("~~/"))
        return true;
    std::string path(module);
    std::replace(path.begin(), path.end(), '.', '/');
    path = replace_all(to_lower(path), "::", "/");
    const auto first = path.find('/');
    const bool deep = first != std::string::npos;
    // ollama.py imports ollama, and means the package. In a script's import a bare name always
    // does.
    const bool bare = !deep && holds_script(language_of(importer));
    const auto self = path_stem(importer);
    const auto is_file = [&](const std::string& file) {
        return !bare && file != self && paths.has_file(file);
    };
    if (is_file(path)) return true;
    for (const auto* root : {"src/", "backend/", "app/", "server/", "lib/"})
        if (is_file(root + path)) return true;
    // A package of the project: a folder of the tree ("ollama" alone may be the real one).
    if (path != "ollama" && paths.has_folder(path)) return true;
    const std::string head = path.substr(0, first);
    if (deep && head != "ollama" && has_word(head) && paths.has_folder(head)) return true;
    // A sibling of the importer shadows a package of the same name.
    const auto slash = importer.rfind('/');
    if (is_file(to_lower(importer.substr(0, slash == std::string_view::npos ? 0 : slash + 1)) +
                path))
        return true;
    if (!deep) return false;
    const std::string parent = path.substr(0, path.rfind('/'));
    // "acme.llm.ollama_client": the first parts are a folder of the tree.
    if (head != "ollama" && head != "com" && paths.has_folder(head) &&
        (paths.has_file(parent) || paths.has_file_ending(parent)))
        return true;
    // Java and C#: the folder of the package lies in the tree.
    return paths.has_file_ending(path) || paths.has_folder_ending(parent);
}

void learn_own_names(const ParsedFile& file, Model& model) {
    const auto& form = file.source.form();
    const auto& path = file.source.path();
    if (std::count(path.begin(), path.end(), '/') > 1) return;
    const auto add = [&](std::string_view name) {
        name = unquoted(name);
        if (const auto slash = name.rfind('/'); slash != std::string_view::npos)
            name = name.substr(slash + 1);
        const auto bare = normalised(name);
        if (!has_word(name) || bare == "ollama" || is_own_option(name)) return;
        static constexpr std::string_view kNot[] = {"ollamaclient", "ollamaservice", "ollamajs",
                                                    "ollamaserver", "ollamaapi",     "ollamaproxy"};
        if (std::find(std::begin(kNot), std::end(kNot), bare) != std::end(kNot)) return;
        model.own_names.insert(bare);
    };
    if (!form.manifest) {
        const std::string lower = to_lower(path);
        if (lower.ends_with("compose.yml") || lower.ends_with("compose.yaml")) {
            for (const auto& segment : file.segments.list)
                if (segment.region == Region::kValue && file.segments.paths[segment.path] == "name")
                    add(text_of(file, segment));
        }
        return;
    }
    for (std::size_t i = 0; i < file.segments.list.size(); ++i) {
        const auto& segment = file.segments.list[i];
        if (segment.region != Region::kValue) continue;
        const auto& key = file.segments.paths[segment.path];
        if (key == "name" || key == "project.name" || key == "tool.poetry.name" ||
            key == "package.name" || key == "productName" || key == "metadata.name" ||
            key == "build.appId" || key == "build.productName" || key == "displayName")
            add(text_of(file, segment));
    }
    const auto text = file.source.text();
    if (path.ends_with("go.mod") && text.starts_with("module "))
        add(text.substr(7, text.find_first_of("\r\n", 7) - 7));
    if (path.ends_with("settings.gradle") || path.ends_with("settings.gradle.kts"))
        if (const auto at = text.find("rootProject.name"); at != std::string_view::npos)
            if (const auto open = text.find_first_of("\"'", at); open != std::string_view::npos)
                add(text.substr(open + 1, text.find_first_of("\"'", open + 1) - open - 1));
    if (path.ends_with("pom.xml"))
        if (const auto at = text.find("<artifactId>"); at != std::string_view::npos)
            add(text.substr(at + 12, text.find('<', at + 12) - at - 12));
    if (path.ends_with("setup.py"))
        for (const std::string_view sign : {"name=\"", "name='"})
            if (const auto at = text.find(sign); at != std::string_view::npos)
                add(text.substr(at + 6, text.find_first_of("\"'", at + 6) - at - 6));
}

namespace {

/// What stands in front of a route: `app.get("/api/chat"`.
bool serves(std::string_view before) {
    static constexpr std::string_view kVerbs[] = {
        "get(",        "post(",      "put(",     "delete(",    "route(",     "all(",
        "HandleFunc(", "Handle(",    "GET(",     "POST(",      "DELETE(",    "MapGet(",
        "MapPost(",    "MapDelete(", "Mapping(", "api_route(", "websocket(", "HttpGet(",
        "HttpPost(",   "Route(",     "Get(",     "Post("};
    return std::any_of(std::begin(kVerbs), std::end(kVerbs),
                       [&](std::string_view verb) { return before.ends_with(verb); });
}

/// `prefix="/api"` of a router; the last of the ways to write it wins.
std::string route_prefix(std::string_view text) {
    std::string prefix;
    for (const std::string_view sign :
         {"prefix=\"", "prefix='", "url_prefix=\"", "url_prefix='", "RequestMapping(\"",
          "basePath('", "basePath(\"", "prefix: '", "prefix: \""})
        if (const auto at = text.find(sign); at != std::string_view::npos) {
            const auto begin = at + sign.size();
            prefix = std::string(text.substr(
                begin, std::min<std::size_t>(text.find_first_of("\"'", begin) - begin, 60)));
        }
    return prefix;
}

}  // namespace

bool may_serve_routes(std::string_view text) {
    // A string that begins with '/', right behind the bracket.
    for (std::size_t at = 0; (at = text.find('(', at)) != std::string_view::npos;) {
        const auto before = text.substr(0, at + 1);
        at = std::min(text.find_first_not_of(" \t\r\v\f", at + 1), text.size());
        const auto quoted = text.substr(at, 2);
        if ((quoted == "\"/" || quoted == "'/" || quoted == "`/") && serves(before)) return true;
    }
    return false;
}

void learn_routes(const ParsedFile& file, Model& model) {
    const auto& form = file.source.form();
    if (!form.code || form.test) return;
    static constexpr std::string_view kClients[] = {
        "requests",     "httpx",        "axios",     "client",  "fetch",      "session",
        "http",         "$http",        "ky",        "got",     "api_client", "request",
        "supertest",    "superagent",   "this.http", "aiohttp", "ollama",     "self.client",
        "self._client", "self.session", "self.http", "$fetch",  "reqwest"};
    std::optional<std::string> prefix;  // looked for when the first route is found: few have any
    for (const auto& segment : file.segments.list) {
        if (segment.region != Region::kString) continue;
        auto route = text_of(file, segment);
        if (!route.starts_with('/') || route.size() > 80) continue;
        if (const auto space = route.find(' '); space != std::string_view::npos) continue;
        const auto line = file.source.line_at(segment.begin);
        const auto start = static_cast<std::size_t>(
            segment.begin - file.source.line_start(file.source.line_of(segment.begin)));
        const auto before = trim(line.substr(0, start > 0 ? start - 1 : 0));
        if (!serves(before)) continue;
        const auto open = before.rfind('(');
        const auto dot = before.rfind('.', open);
        std::string_view owner =
            dot == std::string_view::npos ? std::string_view{} : before.substr(0, dot);
        if (const auto cut = owner.find_last_of(" \t(=!"); cut != std::string_view::npos)
            owner = owner.substr(cut + 1);
        if (owner.starts_with('@')) owner.remove_prefix(1);
        const std::string lower = to_lower(owner);
        if (!before.starts_with('@') && !before.starts_with('[') &&
            (owner.empty() ? before.find("Mapping(") == std::string_view::npos &&
                                 before.find("HandleFunc(") == std::string_view::npos
                           : std::any_of(std::begin(kClients), std::end(kClients),
                                         [&](std::string_view client) {
                                             return lower == client || lower.ends_with(client);
                                         })))
            continue;
        model.routes.emplace(route);
        if (!prefix) prefix = route_prefix(file.source.text());
        model.routes.emplace(*prefix + std::string(route));
        model.routes.emplace("/api" + std::string(route));
    }
}

void learn(const ParsedFile& file, Model& model) {
    const Surroundings around(file);
    learn_environment(file, around, model);
    learn_routes(file, model);
    if (!file.source.form().code) return;
    static constexpr std::string_view kDefines[] = {
        "class",  "def",  "function", "func",  "fn",        "interface", "type",
        "struct", "enum", "record",   "trait", "function*", "object",    "typealias"};
    for (const auto& token : file.tokens) {
        if (token.type != TokenType::kWord ||
            file.segments.list[token.segment].region != Region::kCode)
            continue;
        const auto view = make_view(file, model, token, around);
        const auto before = trim(view.before_name());
        const auto space = before.find_last_of(" \t");
        const auto last = space == std::string_view::npos ? before : before.substr(space + 1);
        const bool method = before.starts_with("func (") && before.ends_with(')');
        if (method ||
            std::find(std::begin(kDefines), std::end(kDefines), last) != std::end(kDefines))
            model.defined.emplace(view.name());
    }
}

bool learn_services(const ParsedFile& file, Model& model) {
    if (!file.source.form().compose) return false;
    const auto& segments = file.segments;
    const auto before = model.ollama_services.size() + model.learned.size();
    // "services.llm" of "services.llm.image"; anchors hang under top-level keys ("x-llm").
    const auto block_of = [](std::string_view path) {
        const auto first = path.find('.');
        if (path.starts_with("services.")) {
            const auto second = path.find('.', first + 1);
            return std::string(path.substr(0, second));
        }
        return std::string(path.substr(0, first));
    };
    std::map<std::string, std::string> anchors;  // anchor -> block
    std::set<std::string> blocks;                // that run Ollama
    for (int round = 0; round < 4; ++round) {
        for (std::size_t i = 0; i < segments.list.size(); ++i) {
            const auto& segment = segments.list[i];
            const auto& path = segments.paths[segment.path];
            const auto block = block_of(path);
            const auto text = text_of(file, segment);
            if (segment.region == Region::kKey) {
                const auto line = file.source.line_at(segment.begin);
                if (const auto at = line.find('&');
                    at != std::string_view::npos && line.find(':') < at) {
                    const auto name = name_around(line, {at + 1, at + 1}, "_-");
                    anchors[std::string(line.substr(name.begin, name.end - name.begin))] = block;
                }
                continue;
            }
            if (segment.region != Region::kValue) continue;
            const std::string tail =
                path.size() > block.size() ? path.substr(block.size() + 1) : "";
            const auto value = unquoted(text);
            if (tail == "image" && has_word(value) &&
                !model.is_own_name(value.substr(0, value.find(':'))))
                blocks.insert(block);
            if (tail == "<<" || tail.starts_with("<<")) {
                const auto star = value.find('*');
                if (star != std::string_view::npos) {
                    const auto name = name_around(value, {star + 1, star + 1}, "_-");
                    const auto anchor =
                        anchors.find(std::string(value.substr(name.begin, name.end - name.begin)));
                    if (anchor != anchors.end() && blocks.contains(anchor->second))
                        learn_name(model, anchor->first, Carries::kService,
                                   place(file, segment.begin, "an anchor of the Ollama service"));
                    if (anchor != anchors.end() && blocks.contains(anchor->second))
                        blocks.insert(block);
                }
            }
            if (tail == "extends.service" || tail == "extends") {
                if (blocks.contains("services." + std::string(value)) ||
                    model.ollama_services.contains(std::string(value)))
                    blocks.insert(block);
            }
        }
    }
    for (const auto& block : blocks) {
        if (!block.starts_with("services.")) continue;
        const std::string name = block.substr(9);
        model.ollama_services.insert(name);
        const auto step = FlowStep{file.source.path(), 0, "the service " + name + " runs Ollama"};
        learn_name(model, name, Carries::kHost, step);
        for (const auto& segment : segments.list) {
            const auto& path = segments.paths[segment.path];
            if (segment.region != Region::kValue || !path.starts_with(block + ".")) continue;
            const auto tail = std::string_view(path).substr(block.size() + 1);
            const auto value = unquoted(text_of(file, segment));
            auto where =
                place(file, segment.begin, "of the service " + name + ", which runs Ollama");
            if (tail == "container_name" || tail == "hostname" || tail.ends_with("aliases"))
                learn_name(model, value, Carries::kHost, where);
            if (tail == "ports" || tail == "ports.published") {
                const auto colon = value.rfind(':');
                if (colon != std::string_view::npos && find_port(value.substr(colon + 1))) {
                    auto host = value.substr(0, colon);
                    if (const auto inner = host.rfind(':'); inner != std::string_view::npos)
                        host = host.substr(inner + 1);
                    if (host.size() >= 4 && host != "11434" &&
                        std::all_of(host.begin(), host.end(),
                                    [](char c) { return c >= '0' && c <= '9'; }))
                        learn_name(model, host, Carries::kPort, where);
                }
            }
            if (tail == "volumes" && value.find(".ollama") != std::string_view::npos) {
                const auto colon = value.find(':');
                const auto volume = value.substr(0, colon);
                if (colon != std::string_view::npos && !volume.starts_with('/') &&
                    !volume.starts_with("~") && !volume.starts_with('$'))
                    learn_name(model, volume.starts_with("./") ? volume.substr(2) : volume,
                               Carries::kVolume, where);
            }
        }
    }
    return model.ollama_services.size() + model.learned.size() != before;
}

}  // namespace segue::audit
