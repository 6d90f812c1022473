// final and dual: clients of the `openai` package (and LangChain's) that point at Ollama's port
// take address and key from the environment. What they say and read is OpenAI's already.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/code/address.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/python/python.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace python;

class OpenAiClients : public Attempt {
public:
    OpenAiClients(const File& file, bool dual)
        : Attempt(file, 104, "the address of OpenAI's client in " + file.path),
          dual_(dual),
          tree_(audit::Tree::parse(Language::kPython, file.text)),
          root_(tree_ ? root_of(*tree_) : Node()) {}

    /// Something was found.
    bool run() {
        if (!imports_client()) return false;
        root_.walk([&](Node node) {
            if (node.is("string")) address(node);
            return true;
        });
        if (addresses_.empty()) return false;
        if (addresses_.size() > 1) return several();
        root_.walk([&](Node node) {
            if (node.is("keyword_argument")) argument(node);
            return true;
        });
        std::set<std::string> done;
        import_wanted(*this, root_, done);
        return true;
    }

    void import_module(const std::string& line) {
        const auto at = after_imports(root_);
        insert(at, (at == 0 ? "" : "\n") + line + (at == 0 ? "\n" : ""), 101);
    }

private:
    /// One variable cannot stand for two servers.
    bool several() {
        group_.edits.clear();
        group_.note(file_, 0,
                    fmt::format("clients of {} servers: each needs a variable of its own",
                                addresses_.size()),
                    "os.getenv(\"VLLM_ENDPOINT\") for one, another name for the next", 104);
        return true;
    }

    bool imports_client() const {
        bool found = false;
        root_.walk([&](Node node) {
            if (node.is("import_statement") || node.is("import_from_statement")) {
                const auto text = node.text();
                found =
                    found || text.find("openai") != text.npos || text.find("OpenAI") != text.npos;
            }
            return !found;
        });
        return found;
    }

    /// Only where the value is the address itself: not a default that the environment replaces, and
    /// no field of a settings class, which is read from there too.
    void address(Node text) {
        const auto value = string_value(text);
        const auto url = value ? ollama_openai_address(*value) : std::nullopt;
        if (!url) return;
        const auto parent = text.parent();
        const bool bound =
            parent.is("assignment") && parent.field("right") == text && !scope_is_class(parent);
        const bool handed = parent.is("keyword_argument") && parent.field("value") == text;
        if (!bound && !handed) return;
        // What another family wrote keeps the address that its client had.
        if (file_.original.find(*value) == std::string::npos) return;
        addresses_.insert(*url);
        const char q = text.text().back();
        if (dual_) {
            replace(text, fmt::format("ai_client.base_url({0}{1}{0})", q, *url), 104);
            return;
        }
        wants("os");
        replace(text, fmt::format("os.getenv({0}VLLM_ENDPOINT{0}, {0}{1}{0}) + {0}/v1{0}", q, *url),
                104);
    }

    static bool scope_is_class(Node node) {
        for (Node up = node.parent(); up; up = up.parent()) {
            if (up.is("class_definition")) return true;
            if (up.is("function_definition")) return false;
        }
        return false;
    }

    /// The key that stands for none; in dual also the model of a request.
    void argument(Node argument) {
        const auto name = argument.field("name").text();
        const auto value = argument.field("value");
        const auto text = string_value(value).value_or("");
        if ((name == "api_key" || name == "openai_api_key") && iequals(text, "ollama")) {
            replace(value, dual_ ? "ai_client.API_KEY" : openai_key(*this), 106);
        } else if (dual_ && name == "model" && asks(argument.parent().parent())) {
            insert(value.start(), "ai_client.model(", 111);
            insert(value.end(), ")", 111);
        }
    }

    static bool asks(Node call) {
        const auto callee = call.field("function").text();
        return callee.ends_with(".completions.create") || callee.ends_with(".completions.parse") ||
               callee.ends_with(".embeddings.create") || callee == "ChatOpenAI";
    }

    bool dual_;
    std::optional<audit::Tree> tree_;
    Node root_;
    std::set<std::string> addresses_;
};

}  // namespace

Groups python_openai(const Workspace& workspace, const Context& context) {
    const bool dual = context.settings.step == Step::kDual;
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kPython || file.form.test ||
            file.text.find("11434") == std::string::npos)
            continue;
        OpenAiClients clients(file, dual);
        if (!clients.run()) continue;
        if (dual && !clients.group().edits.empty() &&
            file.text.find("ai_client") == std::string::npos)
            clients.import_module(python_module(workspace, path).import_line);
        groups.push_back(clients.take());
    }
    return groups;
}

}  // namespace segue::rewrite
