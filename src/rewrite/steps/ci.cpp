// final: pipelines. A service container that runs Ollama becomes Segue's rehearsal engine: tests
// need an engine that answers at once and the same each time, not a card.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/models_used.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

constexpr std::string_view kNoRegistry =
    "Segue's image is not in a public registry: push it to yours and name it in the pipeline's "
    "variable SEGUE_IMAGE";

class Pipeline {
public:
    Pipeline(const File& file, const std::vector<UsedModel>& models, const std::string& port)
        : file_(file), yaml_(file.text), port_(port) {
        group_.rule = 118;
        group_.what = "the engine of the pipeline " + file.path;
        for (const auto& model : models)
            models_ += (models_.empty() ? "" : " ") + (model.id.empty() ? model.tag : model.id);
        if (models_.empty()) models_ = "rehearsal";
    }

    Group run() {
        for (std::size_t i = 0; i < yaml_.lines().size(); ++i)
            if (yaml_.lines()[i].key == "services" && yaml_.lines()[i].value.empty())
                services(static_cast<int>(i));
        return std::move(group_);
    }

private:
    const YamlLine& line(int i) const { return yaml_.lines()[static_cast<std::size_t>(i)]; }

    void services(int block) {
        const auto below = yaml_.children(block);
        if (below.empty()) return;
        if (line(below.front()).item) {
            for (const int i : below)
                gitlab(i);
            return;
        }
        for (const int i : below)
            if (const auto image = yaml_.child(i, "image");
                image && is_ollama_image(line(*image).value))
                github(block, i, below.size() == 1);
    }

    /// A service of GitHub's takes no arguments: a first step starts the engine instead.
    void github(int block, int service, bool alone) {
        const int job = line(block).parent;
        const auto steps = job < 0 ? std::nullopt : yaml_.child(job, "steps");
        if (!steps || yaml_.child(job, "container")) {
            group_.note(file_, line(service).begin,
                        "a service container runs Ollama in a job that runs in a container itself",
                        "start the rehearsal engine beside the tests: segue rehearse engine "
                        "--dialect vllm --listen 127.0.0.1:" +
                            port_ + " --model " + models_);
            return;
        }
        const int gone = alone ? block : service;
        group_.edit(file_, line(gone).begin, yaml_.block_end(gone), "");
        const std::string p(yaml_.child_indent(*steps), ' ');
        group_.edit(file_, line(*steps).end, line(*steps).end,
                    p + "- name: an engine for the tests\n" + p + "  run: docker run -d -p " +
                        port_ + ":" + port_ +
                        " \"$SEGUE_IMAGE\" rehearse engine --dialect vllm --listen 0.0.0.0:" +
                        port_ + " --no-latency --model " + models_ + "\n" + p + "  env:\n" + p +
                        "    SEGUE_IMAGE: ${{ vars.SEGUE_IMAGE }}\n");
        group_.note(file_, line(*steps).begin, std::string(kNoRegistry), {});
    }

    /// `- ollama/ollama`, `- name: ollama/ollama` with alias and the rest.
    void gitlab(int item) {
        const bool plain = line(item).key.empty();
        const auto named =
            line(item).key == "name" ? std::optional<int>(item) : yaml_.child(item, "name");
        if (!plain && !named) return;
        const auto& name = line(plain ? item : *named);
        if (!is_ollama_image(name.value)) return;
        const auto command = "rehearse engine --dialect vllm --listen 0.0.0.0:" + port_ +
                             " --no-latency --model " + models_;
        std::string words;
        for (const auto word : split(command, ' '))
            words += (words.empty() ? "\"" : ", \"") + std::string(word) + "\"";
        const std::string p(line(item).indent + 2, ' ');
        std::string put = plain ? "name: $SEGUE_IMAGE" : "$SEGUE_IMAGE";
        if (plain) put += "\n" + p + "alias: ollama";
        group_.edit(file_, name.value_at, name.value_at + name.value.size(), put, 113);
        for (const int i : yaml_.children(item))
            if (line(i).key == "command" || line(i).key == "entrypoint")
                group_.edit(file_, line(i).begin, yaml_.block_end(i), "", 117);
        group_.edit(file_, name.end, name.end,
                    (name.end > 0 && file_.text[name.end - 1] == '\n' ? "" : "\n") + p +
                        "command: [" + words + "]\n");
        group_.note(file_, line(item).begin, std::string(kNoRegistry), {});
    }

    const File& file_;
    YamlLines yaml_;
    const std::string& port_;
    std::string models_;
    Group group_;
};

}  // namespace

Groups pipelines(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files)
        if (file.editable() && file.language() == Language::kYaml && file.form.ci &&
            audit::has_word(file.text))
            groups.push_back(Pipeline(file, models_used(workspace, context), context.port).run());
    return groups;
}

}  // namespace segue::rewrite
