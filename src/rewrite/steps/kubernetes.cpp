// final: Kubernetes manifests. The container that runs Ollama runs vLLM: image, arguments, probes,
// the card. Names, ports and volumes are the other families'.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/models_used.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

class Manifest {
public:
    Manifest(const File& file, const std::vector<UsedModel>& models, std::uint32_t length)
        : file_(file), yaml_(file.text), models_(models), length_(length) {
        group_.rule = 115;
        group_.what = "the containers in " + file.path;
    }

    Group run() {
        for (std::size_t i = 0; i < yaml_.lines().size(); ++i) {
            const auto& line = yaml_.lines()[i];
            if (line.key == "image" && is_ollama_image(line.value)) container(static_cast<int>(i));
        }
        return std::move(group_);
    }

private:
    const YamlLine& line(int i) const { return yaml_.lines()[static_cast<std::size_t>(i)]; }

    void container(int image) {
        // The list item that the image stands in, and its keys: "- name: x" is the first of them.
        int item = image;
        if (!line(image).item) {
            item = line(image).parent;
            if (item < 0 || !line(item).item) return;
        }
        std::vector<int> keys{item};
        for (const int i : yaml_.children(item))
            keys.push_back(i);
        std::size_t indent = line(item).indent + 2;
        if (keys.size() > 1) indent = line(keys[1]).indent;
        if (line(image).value.find("rocm") != std::string_view::npos) {
            group_.note(file_, line(image).begin,
                        "runs Ollama on an AMD card: vLLM's image for it is another one", {});
            return;
        }
        group_.edit(file_, line(image).value_at, line(image).value_at + line(image).value.size(),
                    std::string(kVllmImage), 113);
        bool startup = false;
        bool resources = false;
        for (const int i : keys) {
            const auto key = line(i).key;
            startup = startup || key == "startupProbe";
            if (key == "args" || key == "command") {
                group_.edit(file_, line(i).begin, yaml_.block_end(i), "");
            } else if (key == "env") {
                environment(i);
            } else if (key.ends_with("Probe")) {
                probe(i);
            } else if (key == "resources") {
                resources = true;
                card(i);
            }
        }
        const std::string p(indent, ' ');
        const auto* const model = models_.empty() ? nullptr : &models_.front();
        const auto wanted = length_ == 0 ? 8192U : length_;
        const auto used =
            model == nullptr || model->context == 0 ? wanted : std::min(wanted, model->context);
        std::string add = p + "args:\n";
        if (model != nullptr && !model->id.empty()) {
            add += p + "  - --model=" + model->id + "\n" + p +
                   "  - --served-model-name=" + model->id + "\n";
        } else {
            add += p + "  - --model=$(VLLM_MODEL_PATH)\n";
            group_.note(file_, line(image).begin,
                        "which model the server is to serve is not known: set VLLM_MODEL_PATH", {});
        }
        add += p + fmt::format("  - --max-model-len={}\n", used) + p + "  - --port=8000\n";
        if (!startup)
            add += p + "startupProbe:\n" + p + "  httpGet: {path: /health, port: 8000}\n" + p +
                   "  periodSeconds: 10\n" + p + "  failureThreshold: 60\n";
        if (!resources)
            add += p + "resources:\n" + p + "  limits:\n" + p + "    nvidia.com/gpu: 1\n";
        const auto at = line(image).end;
        const std::string lead = at > 0 && file_.text[at - 1] != '\n' ? "\n" : "";
        group_.edit(file_, at, at, lead + add);
        if (models_.size() > 1)
            group_.note(
                file_, line(image).begin,
                fmt::format("{} models are used, and one vLLM serves one of them", models_.size()),
                "add a Deployment and a Service for each, and Segue before them");
    }

    void environment(int block) {
        const auto below = yaml_.children(block);
        std::size_t gone = 0;
        for (const int i : below)
            if (line(i).item && line(i).key == "name" && line(i).value.starts_with("OLLAMA_"))
                ++gone;
        if (gone == below.size() && gone > 0) {
            group_.edit(file_, line(block).begin, yaml_.block_end(block), "", 105);
            return;
        }
        for (const int i : below)
            if (line(i).item && line(i).key == "name" && line(i).value.starts_with("OLLAMA_"))
                group_.edit(file_, line(i).begin, yaml_.block_end(i), "", 105);
    }

    void probe(int block) {
        const auto begin = line(block).begin;
        const auto end = yaml_.block_end(block);
        for (std::size_t i = static_cast<std::size_t>(block); i < yaml_.lines().size(); ++i) {
            const auto& one = yaml_.lines()[i];
            if (one.begin < begin || one.begin >= end) continue;
            if (one.key == "path")
                group_.edit(file_, one.value_at, one.value_at + one.value.size(), "/health", 103);
            if (one.key == "exec" || one.value.find("ollama") != std::string_view::npos)
                group_.note(file_, one.begin, "a probe that runs Ollama's program",
                            "httpGet: {path: /health, port: 8000}", 117);
        }
    }

    void card(int block) {
        const auto text =
            file_.text.substr(line(block).begin, yaml_.block_end(block) - line(block).begin);
        if (text.find("nvidia.com/gpu") != std::string::npos) return;
        if (const auto limits = yaml_.child(block, "limits")) {
            const auto indent = yaml_.child_indent(*limits);
            group_.edit(file_, line(*limits).end, line(*limits).end,
                        std::string(indent, ' ') + "nvidia.com/gpu: 1\n");
        } else if (line(block).value.empty()) {
            const auto indent = yaml_.child_indent(block);
            group_.edit(file_, line(block).end, line(block).end,
                        std::string(indent, ' ') + "limits:\n" + std::string(indent + 2, ' ') +
                            "nvidia.com/gpu: 1\n");
        }
    }

    const File& file_;
    YamlLines yaml_;
    const std::vector<UsedModel>& models_;
    std::uint32_t length_;
    Group group_;
};

}  // namespace

Groups kubernetes(const Workspace& workspace, const Context& context) {
    Groups groups;
    std::vector<UsedModel> models;
    bool looked = false;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kYaml || !file.form.kubernetes ||
            file.text.find("ollama") == std::string::npos)
            continue;
        if (!looked) models = models_used(workspace, context);
        looked = true;
        groups.push_back(Manifest(file, models, context_length(workspace)).run());
    }
    return groups;
}

}  // namespace segue::rewrite
