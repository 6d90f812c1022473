// final: LangChain's connector and the AI SDK's community providers become OpenAI-compatible ones.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/code/options.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace script;

class Frameworks : public Attempt {
public:
    explicit Frameworks(const File& file)
        : Attempt(file, 102, "the framework's connector in " + file.path) {
        parse(file, parsed_);
        if (parsed_.tree) root_ = root_of(*parsed_.tree);
        quote_ = quote_of(parsed_.text);
        end_ = semicolons(parsed_.text) ? ";" : "";
    }

    bool look() {
        if (!root_) return false;
        root_.walk([&](Node node) {
            if (node.is("import_statement")) import_statement(node);
            return true;
        });
        return found_;
    }

    bool run() {
        root_.walk([&](Node node) {
            if (fine()) visit(node);
            return fine();
        });
        return fine();
    }

private:
    void import_statement(Node node) {
        const auto source = node.field("source");
        const auto module = string_value(source).value_or("");
        const bool langchain =
            module == "@langchain/ollama" ||
            (module.starts_with("@langchain/community/") && module.ends_with("/ollama"));
        const bool sdk = module == "ollama-ai-provider" || module == "ollama-ai-provider-v2" ||
                         module == "ai-sdk-ollama";
        if (!langchain && !sdk) return;
        found_ = true;
        node.walk([&](Node part) {
            if (!part.is("import_specifier")) return true;
            const auto name = part.field("name");
            if (part.field("alias")) {
                fail(part, "imports it under another name");
            } else if (langchain) {
                const auto fresh = new_class(name.text());
                if (fresh.empty()) fail(part, fmt::format("{} has no counterpart", name.text()));
                group_.edit(file_, name.start(), name.end(), fresh, 101);
            } else if (name.text() == "createOllama") {
                group_.edit(file_, name.start(), name.end(), "createOpenAICompatible", 101);
            } else if (name.text() == "ollama") {
                group_.edit(file_, name.start(), name.end(), "createOpenAICompatible", 101);
                group_.edit(file_, after_imports(root_), after_imports(root_),
                            fmt::format("\n\nconst ollama = createOpenAICompatible({{ name: "
                                        "{0}vllm{0}, baseURL: {0}http://localhost:11434/v1{0}, "
                                        "apiKey: {2} }}){1}",
                                        quote_, end_, key()),
                            102);
            } else {
                fail(part, fmt::format("{} has no counterpart", name.text()));
            }
            return false;
        });
        group_.edit(file_, source.start() + 1, source.end() - 1,
                    langchain ? "@langchain/openai" : "@ai-sdk/openai-compatible", 101);
    }

    static std::string new_class(std::string_view name) {
        if (name == "ChatOllama") return "ChatOpenAI";
        if (name == "OllamaEmbeddings") return "OpenAIEmbeddings";
        if (name == "Ollama") return "OpenAI";
        return {};
    }

    std::string key() const { return openai_key(quote_); }

    /// …/api of the provider becomes …/v1.
    std::string v1(Node value) const {
        const std::string text(value.text());
        if (const auto literal = string_value(value)) {
            auto url = *literal;
            while (url.ends_with('/'))
                url.pop_back();
            if (url.ends_with("/api")) url.resize(url.size() - 4);
            return text.front() + url + "/v1" + text.front();
        }
        if (value.is("template_string")) {
            auto inner = text.substr(1, text.size() - 2);
            if (inner.ends_with("/api")) inner.resize(inner.size() - 4);
            return "`" + inner + "/v1`";
        }
        return "`${" + text + "}/v1`";
    }

    void visit(Node node) {
        if (node.is("new_expression")) {
            const auto name = node.field("constructor");
            const auto fresh = new_class(name.text());
            if (fresh.empty() || name.text() == "Ollama") return;
            group_.edit(file_, name.start(), name.end(), fresh, 102);
            construct(node.field("arguments"));
        } else if (node.is("type_identifier") && !new_class(node.text()).empty() &&
                   node.text() != "Ollama") {
            group_.edit(file_, node.start(), node.end(), new_class(node.text()), 102);
        } else if (node.is("call_expression") && node.field("function").text() == "createOllama") {
            const auto name = node.field("function");
            group_.edit(file_, name.start(), name.end(), "createOpenAICompatible", 102);
            provider(node.field("arguments"));
        }
    }

    void construct(Node arguments) {
        const auto object = arguments.at(0);
        if (!object.is("object")) {
            fail(arguments, "its settings come from elsewhere");
            return;
        }
        bool base = false;
        for (const auto entry : object.children()) {
            if (!entry.is("pair")) continue;
            const auto name_of = entry.field("key");
            std::string snake;
            for (const char c : name_of.text())
                if (c >= 'A' && c <= 'Z')
                    (snake += '_') += ascii_lower(c);
                else
                    snake += c;
            if (name_of.text() == "baseUrl") {
                base = true;
                group_.edit(file_, entry.start(), entry.end(),
                            fmt::format("configuration: {{ baseURL: {} }},\n{}apiKey: {}",
                                        v1(entry.field("value")),
                                        indent_at(file_.text, entry.start()), key()),
                            104);
            } else if (name_of.text() == "numPredict") {
                group_.edit(file_, name_of.start(), name_of.end(), "maxTokens", 108);
            } else if (name_of.text() == "keepAlive" ||
                       (new_option(snake) && new_option(snake)->name.empty()) ||
                       (new_option(snake) && new_option(snake)->extra)) {
                group_.note(file_, entry.start(),
                            fmt::format("{} went: OpenAI's API has no such field", name_of.text()),
                            snake == "num_ctx" ? fmt::format("serve with --max-model-len {}",
                                                             entry.field("value").text())
                                               : std::string(),
                            108);
                const auto range = element_range(entry, file_.text);
                group_.edit(file_, range.begin, range.end, "", 108);
            } else if (name_of.text() == "format") {
                group_.edit(file_, entry.start(), entry.end(),
                            "modelKwargs: { response_format: { type: 'json_object' } }", 108);
            }
        }
        if (!base)
            group_.edit(
                file_, object.start() + 1, object.start() + 1,
                fmt::format(" configuration: {{ baseURL: {0}http://localhost:11434/v1{0} }}, "
                            "apiKey: {1},",
                            quote_, key()),
                104);
    }

    void provider(Node arguments) {
        const auto object = arguments.count() > 0 ? arguments.at(0) : Node();
        if (!object) {
            group_.edit(file_, arguments.start(), arguments.end(),
                        fmt::format("({{ name: {0}vllm{0}, baseURL: "
                                    "{0}http://localhost:11434/v1{0}, apiKey: {1} }})",
                                    quote_, key()),
                        104);
            return;
        }
        if (!object.is("object")) {
            fail(object, "its settings come from elsewhere");
            return;
        }
        for (const auto entry : object.children()) {
            if (entry.is("pair") && entry.field("key").text() == "baseURL")
                group_.edit(file_, entry.field("value").start(), entry.field("value").end(),
                            v1(entry.field("value")), 104);
            else if (entry.is("shorthand_property_identifier") && entry.text() == "baseURL")
                fail(entry, "its address comes from elsewhere: it must end in /v1");
        }
        group_.edit(file_, object.start() + 1, object.start() + 1,
                    fmt::format(" name: {0}vllm{0}, apiKey: {1},", quote_, key()), 102);
    }

    Parsed parsed_;
    Node root_;
    char quote_ = '\'';
    std::string end_;
    bool found_ = false;
};

}  // namespace

Groups script_frameworks(const Workspace& workspace, const Context&) {
    return move_connectors<Frameworks>(workspace,
                                       [](const File& file) { return is_script(file.language()); });
}

}  // namespace segue::rewrite
