// final: JavaScript's `ollama` package becomes `openai`. A file changes as a whole or not at all.
#include <fmt/format.h>

#include <map>

#include "base/text.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace script;

class Sdk {
public:
    Sdk(const File& file, bool dual) : file_(file), dual_(dual) {
        parse(file, parsed_);
        if (parsed_.tree) root_ = root_of(*parsed_.tree);
        group_.rule = 102;
        group_.what = "the ollama client in " + file.path;
        quote_ = quote_of(parsed_.text);
        end_ = semicolons(parsed_.text) ? ";" : "";
    }

    bool look() {
        if (!root_) return false;
        root_.walk([&](Node node) {
            if (node.is("import_statement")) import_statement(node);
            if (node.is("variable_declarator")) required(node);
            return true;
        });
        return !imports_.empty();
    }

    bool run() {
        for (int round = 0; round < 3; ++round)
            root_.walk([&](Node node) {
                find_clients(node);
                return true;
            });
        root_.walk([&](Node node) {
            if (why_.empty()) visit(node);
            return why_.empty();
        });
        if (why_.empty()) write_imports();
        return why_.empty();
    }

    Group take() { return std::move(group_); }
    const std::string& why() const { return why_; }
    std::size_t where() const { return where_; }

private:
    void import_statement(Node node) {
        const auto module = string_value(node.field("source")).value_or("");
        if (module != "ollama" && module != "ollama/browser") return;
        imports_.push_back(node);
        browser_ = browser_ || module == "ollama/browser";
        node.walk([&](Node part) {
            const auto parent = part.parent();
            if (part.is("identifier") && parent.is("import_clause"))
                default_name_ = std::string(part.text());
            if (part.is("namespace_import")) fail(part, "imports the package as a name space");
            if (part.is("import_specifier")) {
                const auto name = std::string(part.field("name").text());
                const auto alias = part.field("alias");
                names_[alias ? std::string(alias.text()) : name] = name;
                return false;
            }
            return true;
        });
    }

    /// const { Ollama } = require('ollama'), const ollama = require('ollama').default
    void required(Node declarator) {
        auto value = declarator.field("value");
        bool whole = true;
        if (value.is("member_expression") && value.field("property").text() == "default") {
            value = value.field("object");
            whole = false;
        }
        if (!value.is("call_expression") || value.field("function").text() != "require" ||
            value.field("arguments").count() != 1 ||
            string_value(value.field("arguments").at(0)).value_or("") != "ollama")
            return;
        imports_.push_back(declarator.parent());
        common_js_ = true;
        const auto name = declarator.field("name");
        if (name.is("identifier")) {
            if (whole) {
                fail(declarator, "requires the package as a name space");
                return;
            }
            default_name_ = std::string(name.text());
        } else {
            for (const auto part : name.children()) {
                if (part.is("shorthand_property_identifier_pattern"))
                    names_[std::string(part.text())] = std::string(part.text());
                else if (part.is("pair_pattern")) {
                    if (part.field("key").text() == "default")
                        default_name_ = std::string(part.field("value").text());
                    else
                        names_[std::string(part.field("value").text())] =
                            std::string(part.field("key").text());
                }
            }
        }
    }

    std::string package_name(Node node) const {
        const bool name = node.is("identifier") || node.is("type_identifier") ||
                          node.is("shorthand_property_identifier");
        if (!name) return {};
        if (!default_name_.empty() && node.text() == default_name_) return "default";
        const auto at = names_.find(node.text());
        return at == names_.end() ? std::string() : at->second;
    }

    bool makes_client(Node node) const {
        while (node.is("parenthesized_expression") || node.is("await_expression"))
            node = node.at(0);
        return node.is("new_expression") && package_name(node.field("constructor")) == "Ollama";
    }

    bool is_client(Node node) const {
        while (node.is("parenthesized_expression") || node.is("non_null_expression"))
            node = node.at(0);
        if (makes_client(node)) return true;
        if (node.is("call_expression")) return makers_.contains(node.field("function").text());
        return clients_.contains(node.text());
    }

    void find_clients(Node node) {
        if (node.is("variable_declarator") && node.field("value") && is_client(node.field("value")))
            clients_.emplace(node.field("name").text());
        if (node.is("assignment_expression") && is_client(node.field("right")))
            clients_.emplace(node.field("left").text());
        const bool field = node.is("public_field_definition") || node.is("field_definition");
        if (field) {
            const auto value = node.field("value");
            const auto type = node.field("type");
            if ((value && is_client(value)) ||
                (type.count() > 0 && package_name(type.at(0)) == "Ollama")) {
                auto name = node.field("name");
                if (!name) name = node.field("property");
                clients_.insert("this." + std::string(name.text()));
            }
        }
        if (node.is("required_parameter") || node.is("optional_parameter")) {
            const auto type = node.field("type");
            if (type.count() > 0 && package_name(type.at(0)) == "Ollama") {
                clients_.emplace(node.field("pattern").text());
                if (node.text().find("private") == 0 || node.text().find("readonly") == 0)
                    clients_.insert("this." + std::string(node.field("pattern").text()));
            }
        }
        if (node.is("return_statement") && node.count() > 0 && is_client(node.at(0))) {
            const auto scope = scope_of(node);
            if (scope.field("name")) makers_.emplace(scope.field("name").text());
        }
    }

    void visit(Node node) {
        if (inside_import(node)) return;
        if (node.is("new_expression") && package_name(node.field("constructor")) == "Ollama") {
            constructor(node);
            return;
        }
        if (node.is("call_expression")) {
            const auto function = node.field("function");
            if (function.is("member_expression")) {
                const auto object = function.field("object");
                const bool module = package_name(object) == "default";
                if (module || is_client(object)) {
                    call(node, function, module);
                    return;
                }
            }
            for (const auto argument : node.field("arguments").children())
                if ((argument.is("identifier") || argument.is("member_expression")) &&
                    (package_name(argument) == "default" || clients_.contains(argument.text())))
                    fail(argument, "hands a client on: who uses it is not known");
            return;
        }
        const auto name = package_name(node);
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
            for (const auto statement : imports_)
                if (up == statement) return true;
        }
        return false;
    }

    void call(Node node, Node function, bool module) {
        const auto method = function.field("property").text();
        const auto endpoint = endpoint_of_method(method);
        if (!endpoint) {
            fail(node, fmt::format("{}() has no counterpart in OpenAI's API", method));
            return;
        }
        const auto arguments = node.field("arguments");
        Request request(file_, group_, parsed_.typed());
        if (dual_) request.model_through("aiClient.model");
        if (*endpoint != Endpoint::kModels) {
            if (arguments.count() != 1) {
                fail(node, "the request is put together elsewhere");
                return;
            }
            if (!request.object(arguments.at(0), *endpoint, true, false)) {
                fail_at(request.where(), request.why());
                return;
            }
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
        Replies replies(file_, root_, group_);
        const Reading reading{*endpoint, request.streams(), Writing::kScript,
                              quote_,    parsed_.typed(),   parsed_.typed()};
        if (!replies.follow(node, reading)) fail_at(replies.where(), replies.why());
    }

    std::string key() const {
        if (dual_) return "apiKey: aiClient.API_KEY";
        return fmt::format("apiKey: process.env.VLLM_API_KEY ?? {0}EMPTY{0}", quote_);
    }

    std::string base_url(Node value) const {
        const std::string text(value.text());
        if (dual_) return "aiClient.baseURL(" + text + ")";
        if (const auto literal = string_value(value)) {
            auto url = *literal;
            while (url.ends_with('/'))
                url.pop_back();
            if (url.find("://") == std::string::npos) url = "http://" + url;
            return text.front() + url + (url.ends_with("/v1") ? "" : "/v1") + text.front();
        }
        if (value.is("template_string")) return text.substr(0, text.size() - 1) + "/v1`";
        return "`${" + text + "}/v1`";
    }

    std::string default_url() const {
        if (dual_) return "aiClient.baseURL()";
        return fmt::format("`${{process.env.OLLAMA_HOST ?? {0}http://localhost:11434{0}}}/v1`",
                           quote_);
    }

    void constructor(Node node) {
        const auto name = node.field("constructor");
        consumed_.insert(name.start());
        group_.edit(file_, name.start(), name.end(), "OpenAI", 102);
        wanted_ = true;
        if (browser_)
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
        for (const auto& [alias, name] : names_)
            if (name == "Ollama") wanted_ = true;
        wanted_ = wanted_ || needs_client_;
        std::string lines;
        const auto add = [&](const std::string& line) {
            lines += (lines.empty() ? "" : "\n") + line + end_;
        };
        if (wanted_) {
            if (common_js_)
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
            std::string name = "Message";
            for (const auto& [alias, known] : names_)
                if (known == "Message") name = alias;
            own += fmt::format("\n\ntype {} = {{ role: string; content: string }}{}", name, end_);
        }
        if (needs_client_)
            own += fmt::format("\n\nconst ollamaClient = new OpenAI({{ baseURL: {}, {} }}){}",
                               default_url(), key(), end_);
        const auto at = after_imports(root_);
        const std::string_view text = file_.text;
        for (std::size_t i = 0; i < imports_.size(); ++i) {
            const auto statement = imports_[i];
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
        if (!own.empty()) group_.edit(file_, at, at, own, 102);
    }

    void fail(Node at, std::string why) { fail_at(at.start(), std::move(why)); }
    void fail_at(std::size_t at, std::string why) {
        if (!why_.empty()) return;
        why_ = std::move(why);
        where_ = at;
    }

    const File& file_;
    bool dual_;
    Parsed parsed_;
    Node root_;
    Group group_;
    char quote_ = '\'';
    std::string end_;
    std::vector<Node> imports_;
    std::string default_name_;
    std::map<std::string, std::string, std::less<>> names_;
    std::set<std::string, std::less<>> clients_;
    std::set<std::string, std::less<>> makers_;
    std::set<std::size_t> consumed_;
    std::set<std::string> types_;
    bool browser_ = false;
    bool common_js_ = false;
    bool wanted_ = false;
    bool needs_client_ = false;
    bool local_message_ = false;
    std::string why_;
    std::size_t where_ = 0;
};

}  // namespace

Groups script_sdk(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || !is_script(file.language()) ||
            file.text.find("ollama") == std::string::npos)
            continue;
        Sdk sdk(file, dual);
        if (!sdk.look()) continue;
        if (sdk.run()) {
            groups.push_back(sdk.take());
            continue;
        }
        Group told;
        told.rule = 102;
        told.note(file, sdk.where(), "the ollama client of this file stays: " + sdk.why(),
                  "change the file by hand: client.chat.completions.create, "
                  "choices[0].message.content");
        groups.push_back(std::move(told));
    }
    return groups;
}

}  // namespace segue::rewrite
