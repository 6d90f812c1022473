// final: Dockerfiles. A stage from Ollama's image becomes one from vLLM's; in other stages the
// installer goes. Images that start several programs are left to a person.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/serve_text.hpp"
#include "rewrite/steps/service_text.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

/// One instruction with its continued lines.
struct Instruction {
    std::size_t begin = 0;
    std::size_t end = 0;  // behind the line end
    std::string word;     // in capitals
    std::string_view text;
};

std::vector<Instruction> instructions_of(std::string_view text) {
    std::vector<Instruction> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto begin = at;
        bool more = true;
        bool comment = false;
        while (more && at < text.size()) {
            const auto line = trim(line_around(text, at));
            comment = line.starts_with('#') || (line.empty() && at == begin);
            more = line.ends_with('\\') || (at != begin && (line.empty() || line.starts_with('#')));
            at = line_end(text, at);
        }
        if (comment) continue;
        const auto body = text.substr(begin, at - begin);
        std::string word;
        for (const char c : trim(body).substr(0, trim(body).find_first_of(" \t")))
            word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        out.push_back({begin, at, std::move(word), body});
    }
    return out;
}

bool installs(std::string_view text) {
    return text.find("ollama.com/install.sh") != text.npos ||
           text.find("ollama.ai/install.sh") != text.npos;
}

class Dockerfile {
public:
    Dockerfile(const File& file, const Serving& serving) : file_(file), serving_(serving) {
        group_.rule = 113;
        group_.what = "the stages of " + file.path;
    }

    Group run() {
        bool server = false;
        const auto list = instructions_of(file_.text);
        for (const auto& one : list) {
            if (one.word == "FROM")
                server = from(one);
            else if (server)
                in_server(one);
            else if (one.word == "RUN" && installs(one.text))
                installer(one);
            else if (one.word == "COPY" && one.text.find("--from=ollama") != one.text.npos)
                group_.note(file_, one.begin, "copies Ollama's program into this image",
                            "run vllm/vllm-openai as a service of its own and delete this line");
        }
        return std::move(group_);
    }

private:
    /// This stage is Ollama's.
    bool from(const Instruction& one) {
        auto at = one.text.find_first_not_of(" \t", 4);
        while (at != one.text.npos && one.text.substr(at).starts_with("--"))
            at = one.text.find_first_not_of(" \t", one.text.find(' ', at));
        if (at == one.text.npos) return false;
        const auto end = std::min(one.text.find_first_of(" \t\r\n", at), one.text.size());
        const auto image = one.text.substr(at, end - at);
        if (!is_ollama_image(image)) return false;
        if (image.find("rocm") != image.npos) {
            group_.note(file_, one.begin, "an image for AMD cards: vLLM's is another one", {});
            return false;
        }
        group_.edit(file_, one.begin + at, one.begin + end, std::string(kVllmImage));
        std::string words;
        for (const auto& word : serve_words(serving_))
            words += (words.empty() ? "\"" : ", \"") + word + "\"";
        command_ = "CMD [" + words + "]\n";
        if (!serving_.known)
            group_.note(file_, one.begin, "which model this image is to serve is not known",
                        "put its id in place of ${VLLM_MODEL_PATH}");
        // Where the old command stood, or right behind.
        bool placed = false;
        for (const auto& other : instructions_of(file_.text))
            if (other.begin > one.begin && other.word == "CMD") placed = true;
        if (!placed)
            group_.edit(file_, one.end, one.end,
                        (file_.text[one.end - 1] == '\n' ? "" : "\n") + command_);
        return true;
    }

    void in_server(const Instruction& one) {
        const auto remove = [&](int rule) { group_.edit(file_, one.begin, one.end, "", rule); };
        if (one.word == "CMD") {
            group_.edit(file_, one.begin, one.end, command_, 117);
        } else if (one.word == "ENTRYPOINT") {
            if (one.text.find("ollama") != one.text.npos && one.text.find(".sh") == one.text.npos)
                remove(117);
            else
                group_.note(file_, one.begin,
                            "starts a script in Ollama's image: vLLM's image starts the server "
                            "itself",
                            "delete the ENTRYPOINT and do what else the script does in a service "
                            "of its own",
                            117);
        } else if (one.word == "ENV" && one.text.find("OLLAMA_") != one.text.npos) {
            if (one.text.find("OLLAMA_") == one.text.find_first_not_of(" \t", 3) &&
                std::count(one.text.begin(), one.text.end(), '=') <= 1)
                remove(105);
            else
                group_.note(file_, one.begin, "settings of Ollama's server beside others",
                            "take those of Ollama out", 105);
        } else if (one.word == "RUN" && one.text.find("ollama") != one.text.npos) {
            if (one.text.find("ollama pull") != one.text.npos) {
                remove(117);
                group_.note(file_, one.begin,
                            "the model was baked into the image: vLLM downloads it when it starts",
                            serving_.known ? "RUN hf download " + serving_.model : std::string(),
                            117);
            } else {
                group_.note(file_, one.begin, "a command of Ollama's in this image", {}, 117);
            }
        }
    }

    /// `RUN curl … install.sh | sh`, alone or in a chain.
    void installer(const Instruction& one) {
        group_.note(file_, one.begin,
                    "the installer of Ollama went: this image has no model server now",
                    "run vllm/vllm-openai as a service of its own", 117);
        auto command = one.text.rfind("curl", one.text.find("install.sh"));
        if (command == one.text.npos) command = one.text.rfind("wget", one.text.find("install.sh"));
        const auto stop = one.text.find("sh", one.text.find('|', command));
        if (command == one.text.npos || stop == one.text.npos) return;
        auto begin = command;
        auto end = stop + 2;
        const auto before = one.text.substr(0, begin);
        const auto after = one.text.substr(end);
        if (before.find("&&") == before.npos && after.find("&&") == after.npos) {
            group_.edit(file_, one.begin, one.end, "", 117);
        } else if (const auto next = after.find("&&"); next != after.npos) {
            const auto rest = one.text.find_first_not_of(" \t\\\r\n", end + next + 2);
            group_.edit(file_, one.begin + begin, one.begin + rest, "", 117);
        } else {
            begin = before.rfind("&&");
            while (begin > 0 && std::string_view(" \t\\\r\n").find(one.text[begin - 1]) !=
                                    std::string_view::npos)
                --begin;
            group_.edit(file_, one.begin + begin, one.begin + end, "", 117);
        }
    }

    const File& file_;
    const Serving& serving_;
    std::string command_;
    Group group_;
};

}  // namespace

Groups dockerfiles(const Workspace& workspace, const Context& context) {
    Groups groups;
    std::optional<Serving> what;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kDockerfile ||
            !audit::has_word(file.text))
            continue;
        if (!what)
            what =
                serving(models_used(workspace, context), context_length(workspace), context.port);
        groups.push_back(Dockerfile(file, *what).run());
    }
    return groups;
}

}  // namespace segue::rewrite
