// final: LangChain's and LlamaIndex's connectors to Ollama become those to OpenAI-compatible
// servers. Their replies are the framework's own, so only construction changes.
#include <fmt/format.h>

#include <array>
#include <map>

#include "base/text.hpp"
#include "rewrite/code/options.hpp"
#include "rewrite/python/python.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

using namespace python;

enum class Kind : std::uint8_t { kChat, kText, kVectors, kIndexChat, kIndexVectors };

struct Class {
    std::string_view module;  // as the import names it
    std::string_view name;
    std::string_view new_module;
    std::string_view new_name;
    Kind kind;
};

constexpr std::array kClasses{
    Class{"langchain_ollama", "ChatOllama", "langchain_openai", "ChatOpenAI", Kind::kChat},
    Class{"langchain_ollama", "OllamaLLM", "langchain_openai", "OpenAI", Kind::kText},
    Class{"langchain_ollama", "OllamaEmbeddings", "langchain_openai", "OpenAIEmbeddings",
          Kind::kVectors},
    Class{"langchain_ollama.chat_models", "ChatOllama", "langchain_openai", "ChatOpenAI",
          Kind::kChat},
    Class{"langchain_ollama.llms", "OllamaLLM", "langchain_openai", "OpenAI", Kind::kText},
    Class{"langchain_ollama.embeddings", "OllamaEmbeddings", "langchain_openai", "OpenAIEmbeddings",
          Kind::kVectors},
    Class{"langchain_community.chat_models", "ChatOllama", "langchain_openai", "ChatOpenAI",
          Kind::kChat},
    Class{"langchain_community.chat_models.ollama", "ChatOllama", "langchain_openai", "ChatOpenAI",
          Kind::kChat},
    Class{"langchain_community.llms", "Ollama", "langchain_openai", "OpenAI", Kind::kText},
    Class{"langchain_community.llms.ollama", "Ollama", "langchain_openai", "OpenAI", Kind::kText},
    Class{"langchain_community.embeddings", "OllamaEmbeddings", "langchain_openai",
          "OpenAIEmbeddings", Kind::kVectors},
    Class{"langchain_community.embeddings.ollama", "OllamaEmbeddings", "langchain_openai",
          "OpenAIEmbeddings", Kind::kVectors},
    Class{"langchain.chat_models", "ChatOllama", "langchain_openai", "ChatOpenAI", Kind::kChat},
    Class{"langchain.llms", "Ollama", "langchain_openai", "OpenAI", Kind::kText},
    Class{"langchain.embeddings", "OllamaEmbeddings", "langchain_openai", "OpenAIEmbeddings",
          Kind::kVectors},
    Class{"llama_index.llms.ollama", "Ollama", "llama_index.llms.openai_like", "OpenAILike",
          Kind::kIndexChat},
    Class{"llama_index.embeddings.ollama", "OllamaEmbedding", "llama_index.embeddings.openai_like",
          "OpenAILikeEmbedding", Kind::kIndexVectors},
};

class Frameworks : public Attempt {
public:
    explicit Frameworks(const File& file)
        : Attempt(file, 102, "the framework's connector in " + file.path),
          tree_(audit::Tree::parse(Language::kPython, file.text)) {
        if (tree_) root_ = root_of(*tree_);
    }

    bool look() {
        if (!root_) return false;
        root_.walk([&](Node node) {
            if (node.is("import_from_statement")) import_statement(node);
            return true;
        });
        return !classes_.empty();
    }

    bool run() {
        root_.walk([&](Node node) {
            if (fine()) visit(node);
            return fine();
        });
        std::set<std::string> done;
        if (fine()) import_wanted(*this, root_, done);
        return fine();
    }

private:
    void import_statement(Node statement) {
        const auto module = statement.field("module_name");
        std::map<std::string, std::string> fresh;  // module → names
        std::size_t mine = 0;
        std::size_t others = 0;
        for (const auto part : statement.children()) {
            if (part == module || part.is("comment")) continue;
            const bool aliased = part.is("aliased_import");
            const auto name = aliased ? part.field("name").text() : part.text();
            const Class* found = nullptr;
            for (const auto& known : kClasses)
                if (known.module == module.text() && known.name == name) found = &known;
            if (found == nullptr) {
                ++others;
                continue;
            }
            ++mine;
            const auto alias =
                aliased ? std::string(part.field("alias").text()) : std::string(name);
            classes_[alias] = found;
            aliased_[alias] = aliased;
            auto& names = fresh[std::string(found->new_module)];
            names += (names.empty() ? "" : ", ") + std::string(found->new_name) +
                     (aliased ? " as " + alias : "");
        }
        if (mine == 0) return;
        if (others != 0) {
            fail(statement, "imports other classes on the same line");
            return;
        }
        std::string text;
        for (const auto& [from, names] : fresh)
            text += (text.empty() ? "" : "\n" + indent_at(file_.text, statement.start())) +
                    "from " + from + " import " + names;
        group_.edit(file_, statement.start(), statement.end(), text, 101);
    }

    void visit(Node node) {
        if (node.is("import_from_statement") || !node.is("identifier")) return;
        for (Node up = node; up; up = up.parent())
            if (up.is("import_from_statement")) return;
        const auto at = classes_.find(std::string(node.text()));
        if (at == classes_.end()) return;
        const auto parent = node.parent();
        if (parent.is("attribute") && parent.field("attribute") == node) return;
        if (parent.is("keyword_argument") && parent.field("name") == node) return;
        if (!aliased_[at->first])
            group_.edit(file_, node.start(), node.end(), std::string(at->second->new_name), 102);
        if (parent.is("call") && parent.field("function") == node)
            construct(parent.field("arguments"), at->second->kind);
    }

    std::string v1(Node value) {
        const std::string text(value.text());
        if (const auto literal = string_value(value)) {
            auto url = *literal;
            while (url.ends_with('/'))
                url.pop_back();
            return text.back() + url + "/v1" + text.back();
        }
        if (value.is("string")) return text.substr(0, text.size() - 1) + "/v1" + text.back();
        if (value.is("identifier") || value.is("attribute")) return "f\"{" + text + "}/v1\"";
        if (value.is("call")) return text + " + \"/v1\"";
        return "(" + text + ") + \"/v1\"";
    }

    void construct(Node arguments, Kind kind) {
        const bool index = kind == Kind::kIndexChat || kind == Kind::kIndexVectors;
        bool base = false;
        std::vector<std::string> extra;
        Node last;
        for (const auto argument : arguments.children()) {
            if (argument.is("comment")) continue;
            if (!argument.is("keyword_argument")) {
                fail(argument, "arguments whose meaning is not known");
                return;
            }
            const auto key = argument.field("name");
            const auto value = argument.field("value");
            const auto name = key.text();
            last = argument;
            const auto drop = [&](std::string why, std::string hint = {}) {
                group_.note(file_, argument.start(), fmt::format("{} went: {}", name, why),
                            std::move(hint), 108);
                const auto range = element_range(argument, file_.text);
                group_.edit(file_, range.begin, range.end, "", 108);
            };
            if (name == "base_url") {
                base = true;
                wants("os");
                group_.edit(file_, argument.start(), argument.end(),
                            fmt::format("{}={}, api_key={}", index ? "api_base" : "base_url",
                                        v1(value), openai_key(*this)),
                            104);
            } else if (index && name == "request_timeout") {
                group_.edit(file_, key.start(), key.end(), "timeout", 108);
            } else if (name == "format" && string_value(value).value_or("") == "json") {
                group_.edit(file_, argument.start(), argument.end(),
                            "model_kwargs={\"response_format\": {\"type\": \"json_object\"}}", 108);
            } else if (name == "keep_alive" || name == "validate_model_on_init") {
                drop("vLLM keeps its model loaded");
            } else if (name == "headers" && !index) {
                group_.edit(file_, key.start(), key.end(), "default_headers", 108);
            } else if (name == "context_window" || name == "model_name" || name == "model") {
                continue;
            } else if (const auto known = new_option(name)) {
                if (known->name.empty())
                    drop(std::string(known->because),
                         name == "num_ctx"
                             ? fmt::format("serve with --max-model-len {}", value.text())
                             : std::string());
                else if (known->extra) {
                    extra.push_back(fmt::format("\"{}\": {}", known->name, value.text()));
                    const auto range = element_range(argument, file_.text);
                    group_.edit(file_, range.begin, range.end, "", 108);
                } else if (known->name != name) {
                    group_.edit(file_, key.start(), key.end(), std::string(known->name), 108);
                }
            } else if (name == "client_kwargs" || name == "additional_kwargs" ||
                       name == "reasoning" || name == "format" || name == "json_mode" ||
                       name == "raw" || name == "template" || name == "system" ||
                       name == "query_instruction" || name == "embed_instruction") {
                fail(argument, fmt::format("{} has no counterpart", name));
                return;
            }
        }
        std::string add;
        if (!base) {
            wants("os");
            add += fmt::format(
                ", {}=os.getenv(\"OLLAMA_HOST\", \"http://localhost:11434\") + "
                "\"/v1\", api_key={}",
                index ? "api_base" : "base_url", openai_key(*this));
        }
        if (kind == Kind::kVectors) add += ", check_embedding_ctx_length=False";
        if (kind == Kind::kIndexChat) add += ", is_chat_model=True";
        if (!extra.empty()) {
            std::string text;
            for (const auto& one : extra)
                text += (text.empty() ? "" : ", ") + one;
            add += ", extra_body={" + text + "}";
        }
        if (add.empty()) return;
        if (last)
            group_.edit(file_, last.end(), last.end(), add, 104);
        else
            group_.edit(file_, arguments.start() + 1, arguments.start() + 1, add.substr(2), 104);
    }

    std::optional<audit::Tree> tree_;
    Node root_;
    std::map<std::string, const Class*> classes_;
    std::map<std::string, bool> aliased_;
};

}  // namespace

Groups python_frameworks(const Workspace& workspace, const Context&) {
    return move_connectors<Frameworks>(
        workspace, [](const File& file) { return file.language() == Language::kPython; });
}

}  // namespace segue::rewrite
