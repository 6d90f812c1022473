// final: Python's `ollama` package becomes `openai`: clients, calls, replies, errors. A file
// changes as a whole or not at all.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/core/shared.hpp"
#include "rewrite/python/clients.hpp"
#include "rewrite/python/request.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace python;

constexpr std::string_view kRefusal = R"(def not_with_vllm(call, *_, **__):
    raise NotImplementedError(f"{call}: vLLM's models are chosen when it starts")
)";

class Sdk : public Attempt {
public:
    /// `dual_import` brings the module ai_client in; empty: final.
    Sdk(const File& file, const Modules& modules, std::string dual_import)
        : Attempt(file, 102, "the ollama client in " + file.path),
          dual_import_(std::move(dual_import)),
          tree_(audit::Tree::parse(Language::kPython, file.text)),
          root_(tree_ ? root_of(*tree_) : Node()),
          clients_(root_, modules) {}

    const Clients& clients() const { return clients_; }

    bool run() {
        for (const auto statement : clients_.imports())
            if (statement.is("import_statement") && statement.count() > 1)
                fail(statement, "imports several packages on one line");
        root_.walk([&](Node node) {
            if (fine()) visit(node);
            return fine();
        });
        if (fine()) check_left_overs();
        if (fine()) imports();
        return fine();
    }

private:
    void visit(Node node) {
        if (node.is("call")) {
            call(node);
            return;
        }
        const bool names_something = node.is("attribute") || node.is("identifier");
        if (!names_something || consumed_.contains(node.start())) return;
        const auto name = clients_.package_name(node);
        if (name.empty() || inside_import(node)) return;
        const auto parent = node.parent();
        if (node.is("identifier") && parent.is("attribute") && parent.field("attribute") == node)
            return;
        if (name == "ResponseError") {
            replace(node, "APIStatusError");
            openai_.insert("APIStatusError");
            error_fields(node);
        } else if (name == "RequestError") {
            replace(node, "OpenAIError");
            openai_.insert("OpenAIError");
        } else if (name == "Client" || name == "AsyncClient") {
            if (parent.is("call") && parent.field("function") == node) return;  // call() does it
            const auto* const fresh = name == "Client" ? "OpenAI" : "AsyncOpenAI";
            replace(node, fresh);
            openai_.insert(fresh);
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
        const auto name = clients_.package_name(function);
        if (name == "Client" || name == "AsyncClient") {
            constructor(node, name == "AsyncClient");
            return;
        }
        std::string method;
        if (!name.empty()) {
            method = name;
        } else if (function.is("attribute") &&
                   clients_.kind(function.field("object")) != ClientKind::kNone) {
            method = std::string(function.field("attribute").text());
        } else {
            handed_on(node);
            return;
        }
        const auto endpoint = endpoint_of_method(method);
        if (name == "ResponseError" || name == "Options") return;
        if (!endpoint && is_management(method) && !dual()) {
            management(node, method);
            return;
        }
        if (!endpoint) {
            fail(node, fmt::format("{}() has no counterpart in OpenAI's API", method));
            return;
        }
        Request request(*this);
        if (dual()) request.model_through("ai_client.model");
        if (!request.call(node.field("arguments"), *endpoint)) return;
        if (request.needs_image_url()) {
            needs_image_url_ = true;
            wants("os");
            wants("base64");
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
        Replies replies(*this);
        const Reading reading{*endpoint, request.streams(), Writing::kPythonObject,
                              node.text().find('\'') < node.text().find('"') ? '\'' : '"'};
        if (replies.follow(node, reading)) refused_connection(node);
    }

    /// A pull whose progress nobody reads goes; what else asks for Ollama's models gets a clear
    /// error, and is listed.
    void management(Node node, const std::string& method) {
        const auto function = node.field("function");
        consumed_.insert(function.start());
        if (function.is("attribute")) consumed_.insert(function.field("object").start());
        auto statement = node.parent();
        if (statement.is("await")) statement = statement.parent();
        if (method == "pull" && statement.is("expression_statement")) {
            group_.note(file_, statement.start(),
                        "a pull went: vLLM downloads its model when it starts", {}, 102);
            if (statement.parent().count() == 1)
                group_.edit(file_, statement.start(), statement.end(), "pass", 102);
            else
                drop_statement(group_, file_, statement, 102);
            return;
        }
        needs_refusal_ = true;
        group_.note(file_, node.start(),
                    fmt::format("{}() has no counterpart: the call raises an error now", method),
                    "decide what the feature is with vLLM, whose models are chosen when it starts",
                    102);
        const auto arguments = node.field("arguments");
        replace(function, "not_with_vllm");
        group_.edit(file_, arguments.start() + 1, arguments.start() + 1,
                    fmt::format("\"{}\"{}", method, arguments.count() > 0 ? ", " : ""), 102);
    }

    /// A client as an argument of the project's own function is used where we do not look.
    void handed_on(Node call) {
        for (const auto argument : call.field("arguments").children()) {
            const auto value = argument.is("keyword_argument") ? argument.field("value") : argument;
            const bool module = value.is("identifier") && clients_.is_package(value.text());
            const bool client = (value.is("identifier") || value.is("attribute")) &&
                                clients_.bound(value) != ClientKind::kNone;
            const auto callee = call.field("function").text();
            if (callee == "isinstance" || callee == "print") continue;
            if (module || (client && !clients_.takes_client(callee)))
                fail(argument, "hands a client on: who uses it is not known");
        }
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
        openai_.insert(fresh);
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

    std::string key() { return dual() ? "ai_client.API_KEY" : openai_key(*this); }
    std::string default_url() { return dual() ? "ai_client.base_url()" : openai_base(*this, {}); }

    bool dual() const { return !dual_import_.empty(); }

    std::string base_url(Node value) {
        return dual() ? "ai_client.base_url(" + std::string(value.text()) + ")"
                      : openai_base(*this, value);
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
                        openai_.insert("APIConnectionError");
                    }
                    return true;
                });
            }
        }
    }

    /// A name of the package that nothing above has understood.
    void check_left_overs() {
        root_.walk([&](Node node) {
            if (!fine() || inside_import(node)) return false;
            if (!node.is("identifier") || !clients_.is_package(node.text())) return true;
            const auto parent = node.parent();
            if (parent.is("attribute") && parent.field("attribute") == node) return true;
            if (parent.is("keyword_argument") && parent.field("name") == node) return true;
            if (consumed_.contains(node.start())) return true;
            if (asks_whether_there(node)) return true;
            fail(node, "uses the package in a way that is not known");
            return true;
        });
    }

    std::string default_client() {
        return fmt::format("{} = OpenAI(base_url={}, api_key={})", client_name(), default_url(),
                           key());
    }

    /// `try: import ollama`, `except ImportError: ollama = None`: whether it is there is asked by
    /// its name, which is another one now.
    bool asks_whether_there(Node name) {
        const bool guarded =
            std::any_of(clients_.imports().begin(), clients_.imports().end(), [](Node statement) {
                const auto parent = statement.parent();
                return parent.is("block") && parent.parent().is("try_statement");
            });
        if (!guarded) return false;
        const auto parent = name.parent();
        const bool set = parent.is("assignment") && parent.field("left") == name &&
                         parent.field("right").is("none");
        const bool asked = parent.is("comparison_operator") || parent.is("not_operator") ||
                           parent.is("boolean_operator") ||
                           (parent.is("if_statement") && parent.field("condition") == name);
        if (!set && !asked) return false;
        replace(name, needs_client_ ? client_name() : "OpenAI");
        if (!needs_client_) openai_.insert("OpenAI");
        return true;
    }

    std::size_t last_import() const {
        auto at = after_imports(root_);
        for (const auto statement : clients_.imports())
            if (statement.parent().is("module")) at = std::max(at, statement.end());
        return at;
    }

    void imports() {
        if (needs_client_) openai_.insert("OpenAI");
        std::string line;
        if (!openai_.empty()) {
            std::string list;
            for (const auto& name : openai_)
                list += (list.empty() ? "" : ", ") + name;
            line = "from openai import " + list;
        }
        for (const auto& type : types_)
            line += (line.empty() ? "" : "\n") + ("from openai.types.chat import " + type);
        bool placed = false;
        bool client_placed = false;
        for (const auto statement : clients_.imports()) {
            const auto parent = statement.parent();
            const bool guarded = parent.is("block") && parent.parent().is("try_statement");
            if (guarded) {
                const auto inner = "\n" + indent_at(file_.text, statement.start());
                auto put = replace_all(line, "\n", inner);
                if (needs_client_) put += inner + default_client();
                replace(statement, put.empty() ? "pass" : put);
                placed = client_placed = true;
                continue;
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
        if (!line.empty() && (clients_.imports().empty() || (needs_client_ && !placed))) {
            const auto at = after_imports(root_);
            group_.edit(file_, at, at, (at == 0 ? "" : "\n") + line + (at == 0 ? "\n" : ""), 101);
        }
        if (dual() && (needs_client_ || !clients_.imports().empty())) {
            const auto at = last_import();
            group_.edit(file_, at, at, "\n" + dual_import_, 101);
        }
        if (needs_client_ && !client_placed) {
            const auto at = last_import();
            group_.edit(file_, at, at, "\n\n" + default_client(), 102);
        }
        if (needs_refusal_) {
            const auto at = last_import();
            group_.edit(file_, at, at, "\n\n\n" + std::string(trim(kRefusal)) + "\n", 102);
        }
        if (needs_image_url_) {
            const auto at = last_import();
            group_.edit(file_, at, at, "\n\n\n" + std::string(trim(kImageUrl)) + "\n", 102);
        }
        std::set<std::string> done;
        import_wanted(*this, root_, done);
    }

    std::string dual_import_;
    std::optional<audit::Tree> tree_;
    Node root_;
    Clients clients_;
    std::set<std::size_t> consumed_;
    std::set<std::string> openai_;
    std::set<std::string> types_;
    bool needs_client_ = false;
    bool needs_image_url_ = false;
    bool needs_refusal_ = false;
};

std::string stem_of(const std::string& path) {
    auto name = path.substr(path.rfind('/') + 1);
    return name.substr(0, name.rfind('.'));
}

}  // namespace

Groups python_sdk(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    static const Modules kNobodys;
    Modules modules;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython ||
            file.text.find("ollama") == std::string::npos)
            continue;
        const auto tree = audit::Tree::parse(Language::kPython, file.text);
        if (!tree) continue;
        const Clients clients(root_of(*tree), kNobodys);
        if (auto exports = clients.exports(); !clients.imports().empty() && !exports.empty())
            modules[stem_of(path)] = std::move(exports);
    }
    Shared shared("the ollama clients that several files share");
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython) continue;
        if (file.text.find("ollama") == std::string::npos && modules.empty()) continue;
        Sdk sdk(file, modules, dual ? python_module(workspace, path).import_line : "");
        const auto& clients = sdk.clients();
        if (clients.imports().empty() && clients.foreign().empty()) continue;
        sdk.run();
        shared.add(file, stem_of(path), clients.foreign(), sdk);
    }
    return shared.groups();
}

}  // namespace segue::rewrite
