// final: systemd units. The one that runs Ollama runs vLLM; names in After= and Wants= are the
// names family's.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/serve_text.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

bool starts_server(std::string_view line) {
    return trim(line).starts_with("ExecStart=") && line.find("ollama serve") != line.npos;
}

Group unit(const File& file, const Serving& serving) {
    Group group;
    group.rule = 117;
    group.what = "the unit " + file.path;
    const std::string_view text = file.text;
    bool server = false;
    for (std::size_t at = 0; at < text.size(); at = line_end(text, at))
        server = server || starts_server(line_around(text, at));
    if (!server) return group;
    std::string host;
    for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
        const auto line = trim(line_around(text, at));
        const auto name = line.find("OLLAMA_HOST=");
        if (!line.starts_with("Environment=") || name == line.npos) continue;
        auto value = line.substr(name + 12);
        value = value.substr(0, value.find_first_of("\" :"));
        if (value.find_first_not_of("0123456789.") == value.npos) host = std::string(value);
    }
    for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
        const auto line = line_around(text, at);
        const auto body = trim(line);
        if (starts_server(line)) {
            std::string words = "/usr/local/bin/vllm serve " + serving.model;
            for (const auto& word : serve_words(serving))
                if (word != "--model" && !(word == serving.model && words.ends_with(word)))
                    words += " " + word;
            words += " --host " + (host.empty() ? std::string("127.0.0.1") : host);
            group.edit(file, at + line.find('=') + 1, at + line.size(), words);
            group.note(file, at, "the unit starts vLLM: it has to be installed for its user",
                       "python3 -m venv /opt/vllm && /opt/vllm/bin/pip install vllm && ln -s "
                       "/opt/vllm/bin/vllm /usr/local/bin/vllm");
            if (!serving.known)
                group.note(file, at, "which model it is to serve is not known",
                           "put its id in place of ${VLLM_MODEL_PATH}");
        } else if (body.starts_with("Environment=") && body.find("OLLAMA_") != body.npos) {
            if (body.find('=', body.find("OLLAMA_")) == body.rfind('=')) {
                group.edit(file, at, line_end(text, at), "", 105);
                if (body.find("OLLAMA_HOST") == body.npos)
                    group.note(file, at, fmt::format("a setting of Ollama's server went: {}", body),
                               {}, 105);
            } else {
                group.note(file, at, "several settings of Ollama's server on one line",
                           "take those of Ollama out", 105);
            }
        } else if (body == "User=ollama" || body == "Group=ollama") {
            group.note(file, at, "the unit's user becomes vllm: it has to be there",
                       "useradd --system --create-home --home-dir /var/lib/vllm vllm");
        } else if (body.starts_with("TimeoutStartSec=")) {
            group.edit(file, at + line.find('=') + 1, at + line.size(), "600");
        }
    }
    return group;
}

}  // namespace

Groups systemd_units(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files)
        if (file.editable() && file.language() == Language::kSystemd && audit::has_word(file.text))
            groups.push_back(unit(file, serving(models_used(workspace, context),
                                                context_length(workspace), context.port)));
    return groups;
}

}  // namespace segue::rewrite
