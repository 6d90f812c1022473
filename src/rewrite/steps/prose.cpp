// final: what docs, comments and texts say beside the name: links, commands, folders, paths. By
// tables only; a command in a script is left to a person.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/text.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/core/regions.hpp"
#include "rewrite/models.hpp"
#include "rewrite/steps/models_used.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

struct Word {
    std::string_view from;
    std::string_view to;
};

// Longest first.
constexpr std::array kWords{
    Word{"curl -fsSL https://ollama.com/install.sh | sh", "pip install vllm"},
    Word{"curl https://ollama.com/install.sh | sh", "pip install vllm"},
    Word{"curl -fsSL https://ollama.ai/install.sh | sh", "pip install vllm"},
    Word{"curl https://ollama.ai/install.sh | sh", "pip install vllm"},
    Word{"brew install ollama", "pip install vllm"},
    Word{"pip install ollama", "pip install openai"},
    Word{"npm install ollama", "npm install openai"},
    Word{"npm i ollama", "npm i openai"},
    Word{"ollama --version", "vllm --version"},
    Word{"/root/.ollama/models", "/root/.cache/huggingface"},
    Word{"/root/.ollama", "/root/.cache/huggingface"},
    Word{"~/.ollama/models", "~/.cache/huggingface"},
    Word{"~/.ollama", "~/.cache/huggingface"},
};

struct Link {
    std::string_view from;
    std::string_view to;
};

constexpr std::array kLinks{
    Link{"https://github.com/ollama/ollama/blob/main/docs/api.md",
         "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"},
    Link{"https://github.com/ollama/ollama-python", "https://github.com/openai/openai-python"},
    Link{"https://github.com/ollama/ollama-js", "https://github.com/openai/openai-node"},
    Link{"https://github.com/ollama/ollama", "https://github.com/vllm-project/vllm"},
    Link{"https://docs.ollama.com", "https://docs.vllm.ai"},
    Link{"https://ollama.com/download", "https://docs.vllm.ai"},
    Link{"https://ollama.com/library", "https://huggingface.co/models"},
    Link{"https://ollama.com/search", "https://huggingface.co/models"},
    Link{"https://ollama.com/models", "https://huggingface.co/models"},
    Link{"https://www.ollama.com", "https://docs.vllm.ai"},
    Link{"https://ollama.com", "https://docs.vllm.ai"},
    Link{"https://ollama.ai", "https://docs.vllm.ai"},
};

struct Path {
    std::string_view from;
    std::string_view to;
};

constexpr std::array kPaths{
    Path{"/api/chat", "/v1/chat/completions"}, Path{"/api/tags", "/v1/models"},
    Path{"/api/embeddings", "/v1/embeddings"}, Path{"/api/embed", "/v1/embeddings"},
    Path{"/api/version", "/health"},
};

bool ends_link(std::string_view rest) {
    if (rest.starts_with('/')) rest.remove_prefix(1);
    return rest.empty() ||
           std::string_view(" \t\r\n)]>\"'`,;.|*").find(rest.front()) != std::string_view::npos;
}

class Prose {
public:
    Prose(const Workspace& workspace, const Context& context)
        : workspace_(workspace), context_(context) {}

    Group file(const File& file) {
        Group group;
        group.rule = file.form.doc ? 124 : 123;
        group.what = "texts in " + file.path;
        const FileFindings findings(file, context_.report);
        const Regions regions(file);
        for (const auto& [begin, list] : findings.lines()) {
            const auto line = line_around(file.text, begin);
            std::vector<Range> taken;
            const auto put = [&](std::size_t at, std::size_t size, std::string text, int rule) {
                for (const auto& range : taken)
                    if (at < range.end && range.begin < at + size) return;
                taken.push_back({at, at + size});
                group.edit(file, begin + at, begin + at + size, std::move(text), rule);
            };
            const auto talk = [&](std::size_t at) {
                const auto region = regions.at(begin + at);
                return file.form.doc || region == Region::kComment || region == Region::kProse ||
                       region == Region::kText || region == Region::kString;
            };
            for (const auto& word : kWords)
                for (auto at = line.find(word.from); at != line.npos;
                     at = line.find(word.from, at + 1))
                    if (talk(at) || word.from.find(".ollama") != word.from.npos)
                        put(at, word.from.size(), std::string(word.to), 117);
            links(line, put);
            commands(line, talk, put);
            const bool all = file.form.doc || file.language() == Language::kShell;
            if (all || !file.form.code) paths(line, all ? Paths::kAll : Paths::kHealth, put);
            if (all) generate(file, begin, line, put, group);
        }
        return group;
    }

private:
    template <class Put>
    void links(std::string_view line, const Put& put) const {
        for (auto at = line.find("http"); at != line.npos; at = line.find("http", at + 1)) {
            const auto rest = line.substr(at);
            constexpr std::string_view kLibrary = "https://ollama.com/library/";
            if (rest.starts_with(kLibrary)) {
                const auto end = rest.find_first_of(" \t)]>\"'`,;|*", kLibrary.size());
                const auto name = rest.substr(kLibrary.size(), end - kLibrary.size());
                if (const auto model = model_for(name, context_.settings.models))
                    put(at, kLibrary.size() + name.size(), "https://huggingface.co/" + model->id,
                        125);
                continue;
            }
            for (const auto& link : kLinks)
                if (rest.starts_with(link.from) && ends_link(rest.substr(link.from.size()))) {
                    put(at, link.from.size(), std::string(link.to), 125);
                    break;
                }
        }
    }

    template <class Talk, class Put>
    void commands(std::string_view line, const Talk& talk, const Put& put) const {
        for (auto at = line.find("ollama "); at != line.npos; at = line.find("ollama ", at + 1)) {
            if (!talk(at) || (at > 0 && (line[at - 1] == '-' || line[at - 1] == '_'))) continue;
            auto rest = line.substr(at + 7);
            const auto verb = rest.substr(0, rest.find_first_of(" `'\")\r,;."));
            auto size = 7 + verb.size();
            if (verb == "list" || verb == "ls" || verb == "ps") {
                put(at, size, "curl http://localhost:" + context_.port + "/v1/models", 117);
                continue;
            }
            if (verb != "pull" && verb != "run" && verb != "serve") continue;
            std::string model;
            rest.remove_prefix(std::min(rest.size(), verb.size() + 1));
            const auto tag = rest.substr(0, rest.find_first_of(" `'\")\r,;|&"));
            if (verb != "serve" && !tag.empty()) {
                if (const auto known = model_for(tag, context_.settings.models)) {
                    model = known->id;
                    size += 1 + tag.size();
                } else if (tag.find('/') != tag.npos && tag.find("hf.co") == tag.npos) {
                    model = tag;  // an id already
                    size += 1 + tag.size();
                }
            } else if (verb == "serve") {
                model = main_model();
            }
            if (model.empty()) continue;
            put(at, size, (verb == "pull" ? "hf download " : "vllm serve ") + model, 117);
        }
    }

    /// What compose would serve, too; empty when it is not known.
    std::string main_model() const {
        if (!main_model_) {
            const auto models = models_used(workspace_, context_);
            main_model_ = models.empty() || models.front().embeds ? "" : models.front().id;
        }
        return *main_model_;
    }

    /// Where a command stands in a configuration only questions without a body change.
    enum class Paths : std::uint8_t { kAll, kHealth };

    template <class Put>
    void paths(std::string_view line, Paths which, const Put& put) const {
        for (auto path = audit::find_native_path(line); path;
             path = audit::find_native_path(line, path->end)) {
            // Only on an address of the server: own routes look the same.
            auto begin = path->begin;
            while (begin > 0 &&
                   std::string_view(" \t\"'`(").find(line[begin - 1]) == std::string_view::npos)
                --begin;
            const auto address = line.substr(begin, path->begin - begin);
            if (address.find("11434") == address.npos && !audit::has_word(address)) continue;
            const auto native = line.substr(path->begin, path->end - path->begin);
            for (const auto& known : kPaths) {
                const bool health = known.from == "/api/tags" || known.from == "/api/version";
                if (native == known.from && (health || which == Paths::kAll)) {
                    put(path->begin, native.size(), std::string(known.to), 103);
                    read_by_jq(line, put);
                }
            }
        }
    }

    /// `… | jq -r '.models[].name'`
    template <class Put>
    static void read_by_jq(std::string_view line, const Put& put) {
        static constexpr Word kReads[] = {{".models[].name", ".data[].id"},
                                          {".models[].model", ".data[].id"},
                                          {".models", ".data"},
                                          {".message.content", ".choices[0].message.content"}};
        const auto jq = line.find("jq ");
        if (jq == line.npos) return;
        for (const auto& read : kReads)
            if (const auto at = line.find(read.from, jq); at != line.npos) {
                put(at, read.from.size(), std::string(read.to), 109);
                return;
            }
    }

    /// `curl …/api/generate -d '{"model": …, "prompt": "…"}'`, over several lines too.
    template <class Put>
    static void generate(const File& file, std::size_t begin, std::string_view line, const Put& put,
                         Group& group) {
        const auto path = audit::find_native_path(line);
        if (!path || line.substr(path->begin, path->end - path->begin) != "/api/generate" ||
            line.find("curl") == line.npos)
            return;
        const auto rest = std::string_view(file.text).substr(begin + path->end, 800);
        const auto key = rest.find("\"prompt\"");
        const auto end = std::min(rest.find("```"), rest.find("\n\n"));
        if (key == rest.npos || key > end) return;
        const auto open = rest.find('"', rest.find(':', key));
        if (open == rest.npos) return;
        auto close = open + 1;
        while (close < rest.size() && rest[close] != '"')
            close += rest[close] == '\\' ? 2 : 1;
        if (close >= rest.size() || close > end) return;
        put(path->begin, path->end - path->begin, "/v1/chat/completions", 103);
        const auto at = begin + path->end;
        group.edit(file, at + key, at + open,
                   "\"messages\": [{\"role\": \"user\", \"content\": ", 108);
        group.edit(file, at + close + 1, at + close + 1, "}]", 108);
    }

    const Workspace& workspace_;
    const Context& context_;
    mutable std::optional<std::string> main_model_;
};

}  // namespace

Groups prose(const Workspace& workspace, const Context& context) {
    Prose prose(workspace, context);
    Groups groups;
    for (const auto& [path, file] : workspace.files)
        if (file.editable()) groups.push_back(prose.file(file));
    return groups;
}

}  // namespace segue::rewrite
