// final: Python's `ollama` package becomes `openai`: clients, calls, replies, errors. A file
// changes as a whole or not at all.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/python/request.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace python;

/// Clients that a module hands out: name → asynchronous.
using Exports = std::map<std::string, bool, std::less<>>;

class Sdk {
public:
    /// `dual_import` brings the module ai_client in; empty: final.
    Sdk(const File& file, const std::map<std::string, Exports, std::less<>>& modules,
        std::string dual_import)
        : file_(file),
          modules_(modules),
          dual_import_(std::move(dual_import)),
          tree_(audit::Tree::parse(Language::kPython, file.text)) {
        group_.rule = 102;
        group_.what = "the ollama client in " + file.path;
        if (tree_) root_ = root_of(*tree_);
    }

    /// Imports and clients; needed by other files before anything changes.
    Exports look() {
        if (!root_) return {};
        root_.walk([&](Node node) {
            if (node.is("import_statement"))
                plain_import(node);
            else if (node.is("import_from_statement"))
                from_import(node);
            return true;
        });
        for (int round = 0; round < 3; ++round)
            root_.walk([&](Node node) {
                find_clients(node);
                return true;
            });
        Exports out;
        for (const auto& [name, async] : clients_)
            if (name.find_first_of(".@") == std::string::npos) out[name] = async;
        for (const auto& [name, async] : makers_)
            out[name + "()"] = async;
        return out;
    }

    bool speaks() const { return !imports_.empty() || !foreign_.empty(); }
    bool owns_import() const { return !imports_.empty(); }
    const std::set<std::string>& foreign() const { return foreign_; }

    bool run() {
        root_.walk([&](Node node) {
            if (why_.empty()) visit(node);
            return why_.empty();
        });
        if (!why_.empty()) return false;
        check_left_overs();
        if (!why_.empty()) return false;
        imports();
        return why_.empty();
    }

    Group take() { return std::move(group_); }
    const std::string& why() const { return why_; }
    std::size_t where() const { return where_; }

private:
    void plain_import(Node statement) {
        for (const auto part : statement.children()) {
            const auto name = part.is("aliased_import") ? part.field("name") : part;
            if (name.text() != "ollama") continue;
            modules_here_.emplace(part.is("aliased_import") ? part.field("alias").text()
                                                            : name.text());
            imports_.push_back(statement);
            if (statement.count() > 1) fail(statement, "imports several packages on one line");
        }
    }

    void from_import(Node statement) {
        const auto module = statement.field("module_name").text();
        if (module == "ollama") {
            imports_.push_back(statement);
            each_name(statement, [&](std::string_view name, std::string_view alias) {
                names_[std::string(alias)] = std::string(name);
            });
            return;
        }
        // A client of another module of the project.
        const auto stem = module.substr(module.rfind('.') + 1);
        const auto at = modules_.find(stem);
        if (at == modules_.end()) return;
        each_name(statement, [&](std::string_view name, std::string_view alias) {
            for (const auto& [known, async] : at->second) {
                if (known == name)
                    clients_[std::string(alias)] = async;
                else if (known == std::string(name) + "()")
                    makers_[std::string(alias)] = async;
                else
                    continue;
                foreign_.insert(std::string(stem));
            }
        });
    }

    template <class Each>
    static void each_name(Node statement, const Each& each) {
        const auto module = statement.field("module_name");
        for (const auto part : statement.children()) {
            if (part == module) continue;
            if (part.is("aliased_import"))
                each(part.field("name").text(), part.field("alias").text());
            else if (part.is("dotted_name"))
                each(part.text(), part.text());
        }
    }

    /// "Client", "chat", … when the node names something of the package.
    std::string package_name(Node node) const {
        if (node.is("attribute") && node.field("object").is("identifier") &&
            modules_here_.contains(node.field("object").text()))
            return std::string(node.field("attribute").text());
        if (node.is("identifier"))
            if (const auto at = names_.find(node.text()); at != names_.end()) return at->second;
        return {};
    }

    /// 0 no client, 1 synchronous, 2 asynchronous.
    int client_kind(Node node) const {
        while (node.is("await") || node.is("parenthesized_expression"))
            node = node.at(0);
        if (node.is("call")) {
            const auto made = package_name(node.field("function"));
            if (made == "Client") return 1;
            if (made == "AsyncClient") return 2;
            const auto callee = node.field("function");
            const auto name = callee.is("attribute") ? callee.field("attribute") : callee;
            if (const auto at = makers_.find(name.text()); at != makers_.end())
                return at->second ? 2 : 1;
            return 0;
        }
        return bound_client(node);
    }

    /// Where a name was given a client: the nearest scope around decides.
    static std::string scoped(Node name) {
        const auto scope = scope_of(name);
        return name.is("identifier") && !scope.is("module")
                   ? fmt::format("{}@{}", name.text(), scope.start())
                   : std::string(name.text());
    }

    int bound_client(Node node) const {
        if (node.is("identifier"))
            for (Node scope = scope_of(node); scope && !scope.is("module");
                 scope = scope_of(scope)) {
                const auto at = clients_.find(fmt::format("{}@{}", node.text(), scope.start()));
                if (at != clients_.end()) return at->second ? 2 : 1;
                // Bound to something else there.
                for (const auto name : names_in(scope, node.text())) {
                    const auto parent = name.parent();
                    if ((parent.is("assignment") && parent.field("left") == name) ||
                        parent.is("as_pattern_target") || parent.is("parameters"))
                        return 0;
                }
            }
        const auto at = clients_.find(node.text());
        return at == clients_.end() ? 0 : at->second ? 2 : 1;
    }

    void find_clients(Node node) {
        if (node.is("assignment")) {
            const int kind = node.field("right") ? client_kind(node.field("right")) : 0;
            const auto left = node.field("left");
            if (kind != 0 && (left.is("identifier") || left.is("attribute")))
                clients_[scoped(left)] = kind == 2;
            if (const auto type = node.field("type")) typed(left, type);
        } else if (node.is("typed_parameter")) {
            typed(node.at(0), node.field("type"));
        } else if (node.is("typed_default_parameter")) {
            typed(node.field("name"), node.field("type"));
        } else if (node.is("return_statement") && node.count() > 0) {
            const auto function = scope_of(node);
            const int kind = client_kind(node.at(0));
            if (kind != 0 && function.is("function_definition"))
                makers_[std::string(function.field("name").text())] = kind == 2;
        } else if (node.is("as_pattern")) {
            const int kind = client_kind(node.at(0));
            if (kind != 0)
                clients_[scoped(node.at(1).count() > 0 ? node.at(1).at(0) : node.at(1))] =
                    kind == 2;
        }
    }

    void typed(Node name, Node type) {
        type.walk([&](Node part) {
            const auto what = package_name(part);
            if (what == "Client" || what == "AsyncClient")
                clients_[scoped(name)] = what == "AsyncClient";
            return what.empty();
        });
    }

    void visit(Node node) {
        if (node.is("call")) {
            call(node);
            return;
        }
        const bool names_something = node.is("attribute") || node.is("identifier");
        if (!names_something || consumed_.contains(node.start())) return;
        const auto name = package_name(node);
        if (name.empty() || inside_import(node)) return;
        const auto parent = node.parent();
        if (node.is("identifier") && parent.is("attribute") && parent.field("attribute") == node)
            return;
        if (name == "ResponseError") {
            replace(node, "APIStatusError");
            wanted_.insert("APIStatusError");
            error_fields(node);
        } else if (name == "RequestError") {
            replace(node, "OpenAIError");
            wanted_.insert("OpenAIError");
        } else if (name == "Client" || name == "AsyncClient") {
            if (parent.is("call") && parent.field("function") == node) return;  // call() does it
            const auto* const fresh = name == "Client" ? "OpenAI" : "AsyncOpenAI";
            replace(node, fresh);
            wanted_.insert(fresh);
        } else if (name == "ChatResponse" || name == "GenerateResponse") {
            replace(node, "ChatCompletion");
            types_.insert("ChatCompletion");
        } else if (endpoint_of_method(name)) {
            if (!(parent.is("call") && parent.field("function") == node))
                fail(node, fmt::format("{} is handed on as a function", name));
        } else {
            fail(node, fmt::format("{} of the package has no counterpart", name));
        }
    }

    void replace(Node node, std::string text) {
        consumed_.insert(node.start());
        group_.edit(file_, node.start(), node.end(), std::move(text), 102);
    }

    void call(Node node) {
        const auto function = node.field("function");
        const auto name = package_name(function);
        if (name == "Client" || name == "AsyncClient") {
            constructor(node, name == "AsyncClient");
            return;
        }
        std::string method;
        if (!name.empty()) {
            method = name;
        } else if (function.is("attribute") && client_kind(function.field("object")) != 0) {
            method = std::string(function.field("attribute").text());
        } else {
            handed_on(node);
            return;
        }
        const auto endpoint = endpoint_of_method(method);
        if (name == "ResponseError" || name == "Options") return;
        if (!endpoint) {
            fail(node, fmt::format("{}() has no counterpart in OpenAI's API", method));
            return;
        }
        Request request(file_, group_);
        if (dual()) request.model_through("ai_client.model");
        if (!request.call(node.field("arguments"), *endpoint)) {
            fail_at(request.where(), request.why());
            return;
        }
        std::string target;
        if (name.empty()) {
            target = std::string(function.field("object").text());
        } else {
            needs_client_ = true;
            target = client_name();
        }
        const std::string_view suffix =
            *endpoint == Endpoint::kModels ? ".models.list"
            : *endpoint == Endpoint::kEmbed || *endpoint == Endpoint::kEmbeddings
                ? ".embeddings.create"
                : ".chat.completions.create";
        if (name.empty()) {
            const auto object = function.field("object");
            group_.edit(file_, object.end(), function.end(), std::string(suffix), 102);
        } else {
            replace(function, target + std::string(suffix));
            if (function.is("attribute")) consumed_.insert(function.field("object").start());
        }
        Replies replies(file_, group_);
        const Reading reading{*endpoint, request.streams(), Writing::kPythonObject,
                              node.text().find('\'') < node.text().find('"') ? '\'' : '"'};
        if (!replies.follow(node, reading)) fail_at(replies.where(), replies.why());
        refused_connection(node);
    }

    /// A client as an argument of the project's own function is used where we do not look.
    void handed_on(Node call) {
        for (const auto argument : call.field("arguments").children()) {
            const auto value = argument.is("keyword_argument") ? argument.field("value") : argument;
            const bool module = value.is("identifier") && modules_here_.contains(value.text());
            const bool client =
                (value.is("identifier") || value.is("attribute")) && bound_client(value) != 0;
            const auto callee = call.field("function").text();
            if (callee == "isinstance" || callee == "print") continue;
            if (module || (client && !typed_receiver(callee)))
                fail(argument, "hands a client on: who uses it is not known");
        }
    }

    /// A function of this file that says that it takes a client.
    bool typed_receiver(std::string_view callee) const {
        bool found = false;
        root_.walk([&](Node node) {
            if (node.is("function_definition") && node.field("name").text() == callee)
                for (const auto parameter : node.field("parameters").children()) {
                    const auto name =
                        parameter.is("typed_parameter") ? parameter.at(0) : parameter.field("name");
                    found = found || (name && clients_.contains(scoped(name)));
                }
            return !found;
        });
        return found;
    }

    static bool inside_import(Node node) {
        for (Node up = node; up; up = up.parent())
            if (up.is("import_statement") || up.is("import_from_statement")) return true;
        return false;
    }

    void constructor(Node node, bool async) {
        const auto* const fresh = async ? "AsyncOpenAI" : "OpenAI";
        replace(node.field("function"), fresh);
        if (node.field("function").is("attribute"))
            consumed_.insert(node.field("function").field("object").start());
        wanted_.insert(fresh);
        const auto arguments = node.field("arguments");
        Node host;
        for (const auto argument : arguments.children()) {
            if (argument.is("comment")) continue;
            const bool named = argument.is("keyword_argument");
            const auto name = named ? argument.field("name").text() : "host";
            const auto value = named ? argument.field("value") : argument;
            if (name == "host") {
                host = value;
                group_.edit(file_, argument.start(), argument.end(),
                            fmt::format("base_url={}, api_key={}", base_url(value), key()), 104);
            } else if (name == "headers") {
                const auto at = argument.field("name");
                group_.edit(file_, at.start(), at.end(), "default_headers", 102);
            } else if (name != "timeout") {
                fail(argument, fmt::format("{} of the client has no counterpart", name));
            }
        }
        if (!host) {
            const auto at = arguments.start() + 1;
            group_.edit(file_, at, at,
                        fmt::format("base_url={}, api_key={}{}", default_url(), key(),
                                    arguments.count() > 0 ? ", " : ""),
                        104);
        }
    }

    std::string key() {
        if (dual()) return "ai_client.API_KEY";
        needs_os_ = true;
        return "os.getenv(\"VLLM_API_KEY\", \"EMPTY\")";
    }

    /// What the package itself reads.
    std::string default_url() {
        if (dual()) return "ai_client.base_url()";
        needs_os_ = true;
        return "os.getenv(\"OLLAMA_HOST\", \"http://localhost:11434\") + \"/v1\"";
    }

    bool dual() const { return !dual_import_.empty(); }

    std::string base_url(Node value) {
        const std::string text(value.text());
        if (dual()) return "ai_client.base_url(" + text + ")";
        if (const auto literal = string_value(value)) {
            auto url = *literal;
            while (url.ends_with('/'))
                url.pop_back();
            if (url.find("://") == std::string::npos) url = "http://" + url;
            const char quote = text.back();
            return quote + url + (url.ends_with("/v1") ? "" : "/v1") + quote;
        }
        if (value.is("string")) return text.substr(0, text.size() - 1) + "/v1" + text.back();
        if (value.is("identifier") || value.is("attribute")) return "f\"{" + text + "}/v1\"";
        if (value.is("none")) return default_url();
        if (value.is("call")) {
            // getenv without a default may answer None.
            const auto count = value.field("arguments").count();
            const auto callee = value.field("function").text();
            if (callee.ends_with("getenv") || callee.ends_with("environ.get"))
                if (count < 2) return "(" + text + " or \"http://localhost:11434\") + \"/v1\"";
            return text + " + \"/v1\"";
        }
        if (value.is("subscript")) return text + " + \"/v1\"";
        return "(" + text + ") + \"/v1\"";
    }

    std::string client_name() const {
        return names_in(root_, "ollama_client").empty() ? "ollama_client" : "default_client";
    }

    /// `except ollama.ResponseError as e`: e.error → e.message.
    void error_fields(Node type) {
        auto clause = type.above({"except_clause"});
        if (!clause) return;
        std::string name;
        clause.walk([&](Node node) {
            if (node.is("as_pattern_target")) name = std::string(node.text());
            return name.empty() && !node.is("block");
        });
        if (name.empty()) return;
        for (const auto use : names_in(clause, name)) {
            const auto parent = use.parent();
            if (!parent.is("attribute") || !(parent.field("object") == use)) continue;
            if (parent.field("attribute").text() == "error")
                group_.edit(file_, parent.field("attribute").start(),
                            parent.field("attribute").end(), "message", 102);
        }
    }

    /// The package raises ConnectionError when nobody listens; OpenAI's has its own.
    void refused_connection(Node call) {
        for (Node up = call.parent(); up; up = up.parent()) {
            if (up.is("function_definition")) return;
            if (!up.is("try_statement")) continue;
            for (const auto clause : up.children()) {
                if (!clause.is("except_clause")) continue;
                clause.walk([&](Node node) {
                    if (node.is("block")) return false;
                    if (node.is("identifier") && node.text() == "ConnectionError" &&
                        !node.parent().is("attribute") && consumed_.insert(node.start()).second) {
                        group_.edit(file_, node.start(), node.end(), "APIConnectionError", 102);
                        wanted_.insert("APIConnectionError");
                    }
                    return true;
                });
            }
        }
    }

    /// A name of the package that nothing above has understood.
    void check_left_overs() {
        root_.walk([&](Node node) {
            if (!why_.empty() || inside_import(node)) return false;
            if (!node.is("identifier") || !modules_here_.contains(node.text())) return true;
            const auto parent = node.parent();
            if (parent.is("attribute") && parent.field("attribute") == node) return true;
            if (parent.is("keyword_argument") && parent.field("name") == node) return true;
            if (consumed_.contains(node.start())) return true;
            fail(node, "uses the package in a way that is not known");
            return true;
        });
    }

    void imports() {
        if (needs_client_) wanted_.insert("OpenAI");
        std::string line;
        if (!wanted_.empty()) {
            std::string list;
            for (const auto& name : wanted_)
                list += (list.empty() ? "" : ", ") + name;
            line = "from openai import " + list;
        }
        for (const auto& type : types_)
            line += (line.empty() ? "" : "\n") + ("from openai.types.chat import " + type);
        bool placed = false;
        for (const auto statement : imports_) {
            const auto parent = statement.parent();
            const bool guarded = parent.is("block") && parent.parent().is("try_statement");
            if (guarded) {
                fail(statement,
                     "the import is optional: what happens without it is the project's "
                     "choice");
                return;
            }
            const auto indent = indent_at(file_.text, statement.start());
            // One import at the top is enough for all that stand there.
            if (placed && !parent.is("block")) {
                // With the line end before it: what is put behind it stays.
                auto begin = line_begin(file_.text, statement.start());
                if (begin > 0) --begin;
                if (begin > 0 && file_.text[begin - 1] == '\r') --begin;
                group_.edit(file_, begin, statement.end(), "", 101);
                continue;
            }
            if (line.empty()) {
                if (parent.is("block") && parent.count() == 1)
                    group_.edit(file_, statement.start(), statement.end(), "pass", 101);
                else
                    group_.edit(file_, line_begin(file_.text, statement.start()),
                                line_end(file_.text, statement.end()), "", 101);
                continue;
            }
            group_.edit(file_, statement.start(), statement.end(),
                        replace_all(line, "\n", "\n" + indent), 101);
            placed = placed || !parent.is("block");
        }
        if (!line.empty() && (imports_.empty() || (needs_client_ && !placed))) {
            const auto at = after_imports(root_);
            group_.edit(file_, at, at, (at == 0 ? "" : "\n") + line + (at == 0 ? "\n" : ""), 101);
        }
        if (dual() && (needs_client_ || !imports_.empty())) {
            auto at = after_imports(root_);
            for (const auto statement : imports_)
                if (statement.parent().is("module")) at = std::max(at, statement.end());
            group_.edit(file_, at, at, "\n" + dual_import_, 101);
        }
        if (needs_client_) {
            auto at = after_imports(root_);
            for (const auto statement : imports_)
                if (statement.parent().is("module")) at = std::max(at, statement.end());
            group_.edit(file_, at, at,
                        fmt::format("\n\n{} = OpenAI(base_url={}, api_key={})", client_name(),
                                    default_url(), key()),
                        102);
        }
        if (needs_os_ && !imports_module(root_, "os")) {
            const auto at = before_imports(root_);
            group_.edit(file_, at, at, "import os\n", 101);
        }
    }

    void fail(Node at, std::string why) { fail_at(at.start(), std::move(why)); }
    void fail_at(std::size_t at, std::string why) {
        if (!why_.empty()) return;
        why_ = std::move(why);
        where_ = at;
    }

    const File& file_;
    const std::map<std::string, Exports, std::less<>>& modules_;
    std::string dual_import_;
    std::optional<audit::Tree> tree_;
    Node root_;
    Group group_;
    std::vector<Node> imports_;
    std::set<std::string, std::less<>> modules_here_;  // "ollama", or its alias
    std::map<std::string, std::string, std::less<>> names_;
    std::map<std::string, bool, std::less<>> clients_;  // expression → asynchronous
    std::map<std::string, bool, std::less<>> makers_;   // functions that answer with a client
    std::set<std::string> foreign_;                     // modules whose clients are used here
    std::set<std::size_t> consumed_;
    std::set<std::string> wanted_;
    std::set<std::string> types_;
    bool needs_client_ = false;
    bool needs_os_ = false;
    std::string why_;
    std::size_t where_ = 0;
};

std::string stem_of(const std::string& path) {
    auto name = path.substr(path.rfind('/') + 1);
    return name.substr(0, name.rfind('.'));
}

}  // namespace

Groups python_sdk(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    std::map<std::string, Exports, std::less<>> modules;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython ||
            file.text.find("ollama") == std::string::npos)
            continue;
        Sdk sdk(file, {}, {});
        auto exports = sdk.look();
        if (sdk.owns_import() && !exports.empty()) modules[stem_of(path)] = std::move(exports);
    }
    Groups groups;
    Group together;  // files that share clients change together
    together.rule = 102;
    together.what = "the ollama clients that several files share";
    std::vector<Group::Note> failures;
    std::set<std::string> shared;
    struct Done {
        const File* file;
        Group group;
        std::set<std::string> foreign;
        std::string why;
        std::size_t where;
    };
    std::vector<Done> done;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython) continue;
        if (file.text.find("ollama") == std::string::npos && modules.empty()) continue;
        Sdk sdk(file, modules, dual ? python_module(workspace, path).import_line : "");
        sdk.look();
        if (!sdk.speaks()) continue;
        sdk.run();
        shared.insert(sdk.foreign().begin(), sdk.foreign().end());
        done.push_back({&file, sdk.take(), sdk.foreign(), sdk.why(), sdk.where()});
    }
    bool shared_failed = false;
    for (const auto& one : done)
        if (!one.why.empty() && (!one.foreign.empty() || shared.contains(stem_of(one.file->path))))
            shared_failed = true;
    for (auto& one : done) {
        const bool is_shared = !one.foreign.empty() || shared.contains(stem_of(one.file->path));
        if (!one.why.empty()) {
            Group told;
            told.rule = 102;
            told.note(*one.file, one.where, "the ollama client of this file stays: " + one.why,
                      "change the file by hand: client.chat.completions.create, "
                      "choices[0].message.content");
            groups.push_back(std::move(told));
        } else if (!is_shared) {
            groups.push_back(std::move(one.group));
        } else if (!shared_failed) {
            together.edits.insert(together.edits.end(), one.group.edits.begin(),
                                  one.group.edits.end());
            together.notes.insert(together.notes.end(), one.group.notes.begin(),
                                  one.group.notes.end());
        }
    }
    groups.push_back(std::move(together));
    return groups;
}

}  // namespace segue::rewrite
