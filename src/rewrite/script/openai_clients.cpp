// final and dual: clients of the `openai` package, LangChain's and the AI SDK's OpenAI providers
// that point at Ollama's port take address and key from the environment.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/code/address.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace script;

class OpenAiClients : public Attempt {
public:
    OpenAiClients(const File& file, bool dual)
        : Attempt(file, 104, "the address of OpenAI's client in " + file.path), dual_(dual) {
        parse(file, parsed_);
        if (parsed_.tree) root_ = root_of(*parsed_.tree);
    }

    /// Something was found.
    bool run() {
        if (!root_ || !imports_client()) return false;
        root_.walk([&](Node node) {
            if (node.is("string") || node.is("template_string")) address(node);
            return true;
        });
        if (addresses_.empty()) return false;
        if (addresses_.size() > 1) return several();
        root_.walk([&](Node node) {
            if (node.is("pair")) member(node);
            return true;
        });
        return true;
    }

private:
    /// One variable cannot stand for two servers.
    bool several() {
        group_.edits.clear();
        group_.note(file_, 0,
                    fmt::format("clients of {} servers: each needs a variable of its own",
                                addresses_.size()),
                    "process.env.VLLM_ENDPOINT for one, another name for the next", 104);
        return true;
    }

    bool imports_client() const {
        bool found = false;
        root_.walk([&](Node node) {
            const bool brings =
                node.is("import_statement") ||
                (node.is("call_expression") && node.field("function").text() == "require");
            if (brings) found = found || node.text().find("openai") != std::string_view::npos;
            return !found;
        });
        return found;
    }

    void address(Node text) {
        const auto value = string_value(text);
        const auto url = value ? ollama_openai_address(*value) : std::nullopt;
        if (!url) return;
        const auto parent = text.parent();
        const bool bound = parent.is("variable_declarator") && parent.field("value") == text;
        const bool handed = parent.is("pair") && parent.field("value") == text;
        if (!bound && !handed) return;
        // What another family wrote keeps the address that its client had.
        if (file_.original.find(*value) == std::string::npos) return;
        addresses_.insert(*url);
        const char q = text.text().front() == '"' ? '"' : '\'';
        replace(text,
                dual_ ? fmt::format("aiClient.baseURL({0}{1}{0})", q, *url)
                      : fmt::format("`${{process.env.VLLM_ENDPOINT ?? {0}{1}{0}}}/v1`", q, *url),
                104);
    }

    void member(Node pair) {
        const auto name = pair.field("key").text();
        const auto value = pair.field("value");
        if (name == "apiKey" && iequals(string_value(value).value_or(""), "ollama")) {
            const char q = value.text().front();
            replace(value,
                    dual_ ? "aiClient.API_KEY"
                          : fmt::format("process.env.VLLM_API_KEY ?? {0}EMPTY{0}", q),
                    106);
        } else if (dual_ && name == "model" && asks(pair.parent().parent().parent())) {
            insert(value.start(), "aiClient.model(", 111);
            insert(value.end(), ")", 111);
        }
    }

    static bool asks(Node call) {
        const auto callee = call.field("function").text();
        return callee.ends_with(".completions.create") || callee.ends_with(".completions.parse") ||
               callee.ends_with(".embeddings.create");
    }

    bool dual_;
    Parsed parsed_;
    Node root_;
    std::set<std::string> addresses_;
};

/// There is no process.env in a page.
bool for_browser(const File& file) {
    return file.language() == Language::kVue || file.language() == Language::kSvelte ||
           file.text.find("import.meta.env") != std::string::npos ||
           file.text.find("dangerouslyAllowBrowser") != std::string::npos;
}

}  // namespace

Groups script_openai(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || !is_script(file.language()) || file.form.test ||
            file.text.find("11434") == std::string::npos || for_browser(file))
            continue;
        OpenAiClients clients(file, context.settings.step == Step::kDual);
        if (clients.run()) groups.push_back(clients.take());
    }
    return groups;
}

}  // namespace segue::rewrite
