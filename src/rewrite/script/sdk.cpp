// final: JavaScript's `ollama` package becomes `openai`. A file changes as a whole or not at all.
#include <fmt/format.h>

#include <optional>

#include "base/text.hpp"
#include "rewrite/core/shared.hpp"
#include "rewrite/script/clients.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace script;

class Sdk : public Attempt {
public:
    Sdk(const File& file, const Modules& modules, bool dual)
        : Attempt(file, 102, "the ollama client in " + file.path), dual_(dual) {
        parse(file, parsed_);
        if (parsed_.tree) root_ = root_of(*parsed_.tree);
        clients_.emplace(root_, file_.path, modules);
        quote_ = quote_of(parsed_.text);
        end_ = semicolons(parsed_.text) ? ";" : "";
    }

    const Clients& clients() const { return *clients_; }

    bool run() {
        if (const auto whole = clients_->name_space())
            fail(whole, "brings the package in as a name space");
        root_.walk([&](Node node) {
            if (fine()) visit(node);
            return fine();
        });
        if (fine()) write_imports();
        return fine();
    }

private:
    void visit(Node node) {
        if (inside_import(node)) return;
        if (node.is("new_expression") &&
            clients_->package_name(node.field("constructor")) == "Ollama") {
            constructor(node);
            return;
        }
        if (node.is("assignment_expression")) {
            const auto right = node.field("right");
            if (clients_->is_bound(node.field("left").text()) && !clients_->is_client(right) &&
                right.text() != "null" && right.text() != "undefined")
                fail(right, "may be another client");
            return;
        }
        if (node.is("call_expression")) {
            const auto function = node.field("function");
            if ((function.text() == "import" || function.text() == "require") &&
                string_value(node.field("arguments").at(0)).value_or("") == "ollama")
                fail(node, "brings the package in at run time");
            if (function.is("member_expression")) {
                const auto object = function.field("object");
                const bool module = clients_->package_name(object) == "default";
                if (module || clients_->is_client(object)) {
                    call(node, function, module);
                    return;
                }
            }
            for (const auto argument : node.field("arguments").children())
                if ((argument.is("identifier") || argument.is("member_expression")) &&
                    (clients_->package_name(argument) == "default" ||
                     clients_->is_bound(argument.text())))
                    fail(argument, "hands a client on: who uses it is not known");
            return;
        }
        const auto name = clients_->package_name(node);
        if (name.empty() || consumed_.contains(node.start())) return;
        const auto parent = node.parent();
        if (parent.is("new_expression") || parent.is("pair_pattern")) return;
        if (name == "default") {
            fail(node, "uses the package in a way that is not known");
        } else if (name == "Ollama") {
            group_.edit(file_, node.start(), node.end(), "OpenAI", 102);
        } else if (name == "Message") {
            local_message_ = true;  // stays, declared here
        } else if (name == "ChatResponse" || name == "GenerateResponse") {
            group_.edit(file_, node.start(), node.end(), "ChatCompletion", 102);
            types_.insert("ChatCompletion");
        } else if (name == "Tool") {
            group_.edit(file_, node.start(), node.end(), "ChatCompletionTool", 102);
            types_.insert("ChatCompletionTool");
        } else {
            fail(node, fmt::format("{} of the package has no counterpart", name));
        }
    }

    bool inside_import(Node node) const {
        for (Node up = node; up; up = up.parent()) {
            if (up.is("import_statement")) return true;
            for (const auto statement : clients_->imports())
                if (up == statement) return true;
        }
        return false;
    }

    /// A pull whose progress nobody reads goes; what else asks for Ollama's models gets a clear
    /// error, and is listed.
    void management(Node node, Node function, const std::string& method) {
        consumed_.insert(function.field("object").start());
        auto statement = node.parent();
        if (statement.is("await_expression")) statement = statement.parent();
        if (method == "pull" && statement.is("expression_statement") &&
            statement.parent().is("statement_block")) {
            group_.note(file_, statement.start(),
                        "a pull went: vLLM downloads its model when it starts", {}, 102);
            drop_statement(group_, file_, statement, 102);
            return;
        }
        needs_refusal_ = true;
        group_.note(file_, node.start(),
                    fmt::format("{}() has no counterpart: the call throws an error now", method),
                    "decide what the feature is with vLLM, whose models are chosen when it starts",
                    102);
        group_.edit(file_, function.start(), node.end(),
                    fmt::format("notWithVllm({0}{1}{0})", quote_, method), 102);
    }

    void call(Node node, Node function, bool module) {
        const auto method = function.field("property").text();
        const auto endpoint = endpoint_of_method(method);
        if (!endpoint && is_management(method) && !dual_) {
            management(node, function, std::string(method));
            return;
        }
        if (!endpoint) {
            fail(node, fmt::format("{}() has no counterpart in OpenAI's API", method));
            return;
        }
        const auto arguments = node.field("arguments");
        Request request(*this, parsed_.typed());
        if (dual_) request.model_through("aiClient.model");
        if (*endpoint != Endpoint::kModels) {
            if (arguments.count() != 1) {
                fail(node, "the request is put together elsewhere");
                return;
            }
            if (!request.object(arguments.at(0), *endpoint, true, false)) return;
        }
        if (request.casts_messages()) types_.insert("ChatCompletionMessageParam");
        const auto object = function.field("object");
        if (module) {
            needs_client_ = true;
            consumed_.insert(object.start());
            group_.edit(file_, object.start(), object.end(), "ollamaClient", 102);
        }
        const std::string_view suffix =
            *endpoint == Endpoint::kModels ? ".models.list"
            : *endpoint == Endpoint::kEmbed || *endpoint == Endpoint::kEmbeddings
                ? ".embeddings.create"
                : ".chat.completions.create";
        group_.edit(file_, object.end(), function.end(), std::string(suffix), 102);
        Replies replies(*this, root_);
        const Reading reading{*endpoint, request.streams(), Writing::kScript,
                              quote_,    parsed_.typed(),   parsed_.typed()};
        replies.follow(node, reading);
    }

    std::string key() const {
        return "apiKey: " + (dual_ ? "aiClient.API_KEY" : openai_key(quote_));
    }
    std::string base_url(Node value) const {
        return dual_ ? "aiClient.baseURL(" + std::string(value.text()) + ")"
                     : openai_base(value, quote_);
    }
    std::string default_url() const { return base_url({}); }

    void constructor(Node node) {
        const auto name = node.field("constructor");
        consumed_.insert(name.start());
        group_.edit(file_, name.start(), name.end(), "OpenAI", 102);
        wanted_ = true;
        if (clients_->browser())
            group_.note(file_, node.start(),
                        "a client in the browser: OpenAI's needs dangerouslyAllowBrowser, and the "
                        "key is seen by everybody",
                        "ask through the project's own backend");
        const auto arguments = node.field("arguments");
        if (arguments.count() == 0) {
            const auto text = fmt::format("({{ baseURL: {}, {} }})", default_url(), key());
            if (arguments)
                group_.edit(file_, arguments.start(), arguments.end(), text, 104);
            else
                group_.edit(file_, node.end(), node.end(), text, 104);
            return;
        }
        const auto object = arguments.at(0);
        if (!object.is("object")) {
            fail(object, "the client's settings come from elsewhere");
            return;
        }
        bool host = false;
        for (const auto entry : object.children()) {
            const bool shorthand = entry.is("shorthand_property_identifier");
            const auto name_of = shorthand ? entry.text() : entry.field("key").text();
            if (name_of == "host") {
                host = true;
                const auto value = shorthand ? entry : entry.field("value");
                group_.edit(file_, entry.start(), entry.end(),
                            fmt::format("baseURL: {}, {}", base_url(value), key()), 104);
            } else if (name_of == "headers") {
                if (shorthand)
                    group_.edit(file_, entry.start(), entry.end(), "defaultHeaders: headers", 102);
                else
                    group_.edit(file_, entry.field("key").start(), entry.field("key").end(),
                                "defaultHeaders", 102);
            } else if (name_of != "fetch") {
                fail(entry, fmt::format("{} of the client has no counterpart", name_of));
            }
        }
        if (!host)
            group_.edit(file_, object.start() + 1, object.start() + 1,
                        fmt::format(" baseURL: {}, {},", default_url(), key()), 104);
    }

    void write_imports() {
        wanted_ = wanted_ || needs_client_ || clients_->brings("Ollama");
        const auto& imports = clients_->imports();
        std::string lines;
        const auto add = [&](const std::string& line) {
            lines += (lines.empty() ? "" : "\n") + line + end_;
        };
        if (wanted_) {
            if (clients_->common_js())
                add(fmt::format("const OpenAI = require({0}openai{0})", quote_));
            else
                add(fmt::format("import OpenAI from {0}openai{0}", quote_));
        }
        if (!types_.empty()) {
            std::string list;
            for (const auto& type : types_)
                list += (list.empty() ? "" : ", ") + type;
            add(fmt::format("import type {{ {1} }} from {0}openai/resources/chat/completions{0}",
                            quote_, list));
        }
        // What the module declares for itself comes behind its imports.
        std::string own;
        if (local_message_) {
            // The package's own type took any role; OpenAI's is a union by role.
            own += fmt::format("\n\ntype {} = {{ role: string; content: string }}{}",
                               clients_->alias_of("Message"), end_);
        }
        if (needs_client_)
            own += fmt::format("\n\nconst ollamaClient = new OpenAI({{ baseURL: {}, {} }}){}",
                               default_url(), key(), end_);
        if (needs_refusal_)
            own += fmt::format(
                "\n\nfunction notWithVllm(call{0} {{\n  throw new Error(`${{call}}: vLLM's models "
                "are chosen when it starts`){1}\n}}",
                parsed_.typed() ? ": string): any" : ")", end_);
        const auto at = after_imports(root_);
        const std::string_view text = file_.text;
        for (std::size_t i = 0; i < imports.size(); ++i) {
            const auto statement = imports[i];
            const bool last = statement.end() == at;
            auto put = i == 0 ? lines : std::string();
            if (last) put += put.empty() && !own.empty() ? own.substr(1) : own;
            if (put.empty())
                group_.edit(file_, line_begin(text, statement.start()),
                            line_end(text, statement.end()), "", 101);
            else
                group_.edit(file_, statement.start(), statement.end(), put, 101);
            if (last) own.clear();
        }
        if (imports.empty() && !lines.empty()) own = (at == 0 ? "" : "\n") + lines + own;
        if (!own.empty()) group_.edit(file_, at, at, own + (at == 0 ? "\n" : ""), 102);
    }

    bool dual_;
    Parsed parsed_;
    Node root_;
    std::optional<Clients> clients_;
    char quote_ = '\'';
    std::string end_;
    std::set<std::size_t> consumed_;
    std::set<std::string> types_;
    bool wanted_ = false;
    bool needs_client_ = false;
    bool local_message_ = false;
    bool needs_refusal_ = false;
};

}  // namespace

Groups script_sdk(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    Modules modules;
    const auto each = [&](const auto& visit) {
        for (const auto& [path, file] : workspace.files)
            if (file.editable() && is_script(file.language()) &&
                (!modules.empty() || file.text.find("ollama") != std::string::npos)) {
                Sdk sdk(file, modules, dual);
                if (!sdk.clients().imports().empty() || !sdk.clients().foreign().empty())
                    visit(file, sdk);
            }
    };
    Modules found;
    each([&](const File& file, const Sdk& sdk) {
        if (auto names = sdk.clients().exports(); !names.empty())
            found[without_ending(file.path)] = std::move(names);
    });
    modules = std::move(found);
    Shared shared("the ollama clients that several files share");
    each([&](const File& file, Sdk& sdk) {
        sdk.run();
        shared.add(file, without_ending(file.path), sdk.clients().foreign(), sdk);
    });
    return shared.groups();
}

}  // namespace segue::rewrite
