// final: Kubernetes manifests and Helm charts. The container that runs Ollama runs vLLM: image,
// arguments, probes, the card; containers that only pull models go. Names, ports and volumes are
// the other families'.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/models_used.hpp"
#include "rewrite/steps/service_text.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

/// Chart (its folder) → paths of values that name Ollama's image: "ollama.image.repository".
using ChartImages = std::map<std::string, std::set<std::string>>;

/// A range may go only with as many ends of "{{ if }}" as it has beginnings.
bool is_balanced(std::string_view text) {
    int open = 0;
    for (auto at = text.find("{{"); at != text.npos; at = text.find("{{", at + 2)) {
        auto word = text.substr(at + 2);
        while (!word.empty() && (word.front() == '-' || word.front() == ' '))
            word.remove_prefix(1);
        for (const std::string_view opens : {"if ", "range ", "with ", "define ", "block "})
            open += word.starts_with(opens) ? 1 : 0;
        if (word.starts_with("else") && open == 0) return false;
        if (word.starts_with("end") && --open < 0) return false;
    }
    return open == 0;
}

class Manifest {
public:
    Manifest(const File& file, const std::vector<UsedModel>& models, std::uint32_t length,
             const std::set<std::string>& images, const std::string& port)
        : file_(file),
          yaml_(file.text),
          models_(models),
          length_(length),
          images_(images),
          port_(port) {
        group_.rule = 115;
        group_.what = "the containers in " + file.path;
    }

    Group run() {
        for (std::size_t i = 0; i < yaml_.lines().size(); ++i) {
            const auto& line = yaml_.lines()[i];
            if (line.key == "name" && line.item && line.parent >= 0 &&
                this->line(line.parent).key == "images" && is_ollama_image(line.value))
                kustomized(static_cast<int>(i));
            if (line.key == "image" && (is_ollama_image(line.value) || from_values(line.value)))
                container(static_cast<int>(i));
        }
        return std::move(group_);
    }

private:
    const YamlLine& line(int i) const { return yaml_.lines()[static_cast<std::size_t>(i)]; }
    std::string_view block_text(int i) const {
        return std::string_view(file_.text)
            .substr(line(i).begin, yaml_.block_end(i) - line(i).begin);
    }

    bool from_values(std::string_view image) const {
        for (const auto& path : images_)
            if (image.find(".Values." + path) != image.npos) return true;
        return false;
    }

    /// A block goes, with what a template directs inside it, or a person takes it out.
    bool remove(int i, int rule) {
        if (!is_balanced(block_text(i))) {
            group_.note(file_, line(i).begin,
                        "this block belongs to Ollama's container, and a template directs across "
                        "its end",
                        "take it out by hand", rule);
            return false;
        }
        group_.edit(file_, line(i).begin, yaml_.block_end(i), "", rule);
        return true;
    }

    /// kustomize's `images:`: the name that it looks for, and what it puts there.
    void kustomized(int item) {
        const auto colon = kVllmImage.rfind(':');
        group_.edit(file_, line(item).value_at, line(item).value_at + line(item).value.size(),
                    std::string(kVllmImage.substr(0, colon)), 113);
        for (const int i : yaml_.children(item)) {
            if (line(i).key == "newTag")
                group_.edit(file_, line(i).value_at, line(i).value_at + line(i).value.size(),
                            std::string(kVllmImage.substr(colon + 1)), 113);
            else if (line(i).key == "newName" || line(i).key == "digest")
                group_.note(file_, line(i).begin,
                            "where the image comes from is the project's choice",
                            "mirror vllm/vllm-openai and name it here", 113);
        }
    }

    void container(int image) {
        // The list item that the image stands in, and its keys: "- name: x" is the first of them.
        int item = image;
        if (!line(image).item) {
            item = line(image).parent;
            if (item < 0 || !line(item).item) return;
        }
        if (only_pulls(item)) return;
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
        if (!from_values(line(image).value))
            group_.edit(file_, line(image).value_at,
                        line(image).value_at + line(image).value.size(), std::string(kVllmImage),
                        113);
        bool startup = false;
        bool resources = false;
        for (const int i : keys) {
            const auto key = line(i).key;
            startup = startup || key == "startupProbe";
            if (key == "args" || key == "command") {
                remove(i, 117);
            } else if (key == "env") {
                environment(i);
            } else if (key == "lifecycle" &&
                       block_text(i).find("ollama") != std::string_view::npos) {
                if (remove(i, 117))
                    group_.note(file_, line(image).begin,
                                "a hook called Ollama's program and went: vLLM loads its model by "
                                "itself when it starts",
                                {}, 117);
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
        add += p + fmt::format("  - --max-model-len={}\n", used) + p + "  - --port=" + port_ + "\n";
        if (!startup)
            add += p + "startupProbe:\n" + p + "  httpGet: {path: /health, port: " + port_ + "}\n" +
                   p + "  periodSeconds: 10\n" + p + "  failureThreshold: 60\n";
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

    /// An init container or a job that pulls and ends: vLLM downloads by itself.
    bool only_pulls(int item) {
        const auto text = block_text(item);
        const bool pulls = text.find("ollama pull") != text.npos ||
                           text.find("/api/pull") != text.npos ||
                           text.find("ollama create") != text.npos;
        const auto list = line(item).parent;
        if (!pulls || list < 0) return false;
        if (line(list).key == "initContainers") {
            const bool alone = yaml_.children(list).size() == 1;
            return remove(alone ? list : item, 117);
        }
        for (std::size_t i = 0; i < yaml_.lines().size(); ++i) {
            const auto& one = yaml_.lines()[i];
            if (one.key != "kind" || one.parent >= 0 ||
                (one.value != "Job" && one.value != "CronJob"))
                continue;
            if (file_.text.substr(one.begin, line(item).begin - one.begin).find("\n---") !=
                std::string::npos)
                continue;
            if (one.begin > line(item).begin) break;
            group_.note(file_, one.begin,
                        "a job that pulls models into Ollama: vLLM downloads its model when it "
                        "starts",
                        "delete this document, and what waits for the job", 117);
            return true;
        }
        return false;
    }

    void environment(int block) {
        const auto below = yaml_.children(block);
        const auto tuning = [&](int i) {
            return line(i).item && line(i).key == "name" &&
                   yaml_unquoted(line(i).value).starts_with("OLLAMA_");
        };
        const auto gone =
            static_cast<std::size_t>(std::count_if(below.begin(), below.end(), tuning));
        if (gone == below.size() && gone > 0) {
            remove(block, 105);
            return;
        }
        for (const int i : below)
            if (tuning(i)) remove(i, 105);
    }

    void probe(int block) {
        const auto begin = line(block).begin;
        const auto end = yaml_.block_end(block);
        for (std::size_t i = static_cast<std::size_t>(block); i < yaml_.lines().size(); ++i) {
            const auto& one = yaml_.lines()[i];
            if (one.begin < begin || one.begin >= end) continue;
            if (one.key == "path")
                group_.edit(file_, one.value_at, one.value_at + one.value.size(), "/health", 103);
            if (one.key == "exec" && is_balanced(block_text(static_cast<int>(i))))
                group_.edit(file_, one.begin, yaml_.block_end(static_cast<int>(i)),
                            std::string(one.indent, ' ') +
                                "httpGet: {path: /health, port: " + port_ + "}\n",
                            117);
        }
    }

    void card(int block) {
        if (block_text(block).find("nvidia.com/gpu") != std::string_view::npos) return;
        const auto next = trim(line_around(file_.text, line(block).end));
        if (next.starts_with("{{") || block_text(block).find("{{") != std::string_view::npos) {
            group_.note(file_, line(block).begin,
                        "the card: vLLM needs nvidia.com/gpu in the limits",
                        "add nvidia.com/gpu: 1 to the values that these resources come from");
            return;
        }
        const auto limits = yaml_.child(block, "limits");
        const auto parent = limits ? *limits : block;
        if (!line(parent).value.empty()) return;
        const std::string p(yaml_.child_indent(parent), ' ');
        group_.edit(
            file_, line(parent).end, line(parent).end,
            limits ? p + "nvidia.com/gpu: 1\n" : p + "limits:\n" + p + "  nvidia.com/gpu: 1\n");
    }

    const File& file_;
    YamlLines yaml_;
    const std::vector<UsedModel>& models_;
    std::uint32_t length_;
    const std::set<std::string>& images_;
    const std::string& port_;
    Group group_;
};

/// values.yaml: the image by repository and tag, as templates put it together.
class Values {
public:
    explicit Values(const File& file) : file_(file), yaml_(file.text) {
        group_.rule = 113;
        group_.what = "the images in " + file.path;
    }

    Group run(std::set<std::string>& images) {
        for (std::size_t i = 0; i < yaml_.lines().size(); ++i) {
            const auto& line = yaml_.lines()[i];
            const bool names = line.key == "repository" || line.key == "image";
            if (!names || !is_ollama_image(line.value)) continue;
            const auto at = static_cast<int>(i);
            images.insert(yaml_.path(at));
            image(at);
        }
        return std::move(group_);
    }

private:
    void image(int i) {
        const auto& line = yaml_.lines()[static_cast<std::size_t>(i)];
        const auto tag = yaml_.child(line.parent, "tag");
        const auto old = yaml_unquoted(line.value);
        if (old.find("rocm") != old.npos) {
            group_.note(file_, line.begin, "an image for AMD cards: vLLM's is another one", {});
            return;
        }
        const auto colon = kVllmImage.rfind(':');
        const char first = line.value.front();
        const std::string q = first == '"' || first == '\'' ? std::string(1, first) : "";
        const bool whole = line.key == "image" && !tag;
        group_.edit(file_, line.value_at, line.value_at + line.value.size(),
                    q + std::string(whole ? kVllmImage : kVllmImage.substr(0, colon)) + q);
        if (!tag) return;
        const auto& version = yaml_.lines()[static_cast<std::size_t>(*tag)];
        const auto fresh = std::string(kVllmImage.substr(colon + 1));
        const char open = version.value.empty() ? ' ' : version.value.front();
        const std::string t = open == '"' || open == '\'' ? std::string(1, open) : "";
        group_.edit(file_, version.value_at, version.value_at + version.value.size(),
                    (version.value.empty() ? " " : "") + t + fresh + t);
    }

    const File& file_;
    YamlLines yaml_;
    Group group_;
};

/// Chart.yaml: the dependency on Ollama's chart goes; its values are listed.
Group chart(const File& file, const Workspace& workspace) {
    Group group;
    group.rule = 112;
    group.what = "the dependency in " + file.path;
    const YamlLines yaml(file.text);
    const auto list = yaml.child(-1, "dependencies");
    if (!list) return group;
    const auto below = yaml.children(*list);
    const auto line = [&](int i) -> const YamlLine& {
        return yaml.lines()[static_cast<std::size_t>(i)];
    };
    for (const int i : below) {
        const bool ollama = line(i).key == "name"
                                ? yaml_unquoted(line(i).value) == "ollama"
                                : yaml.child(i, "name") &&
                                      yaml_unquoted(line(*yaml.child(i, "name")).value) == "ollama";
        if (!ollama) continue;
        const int gone = below.size() == 1 ? *list : i;  // with its key
        group.edit(file, line(gone).begin, yaml.block_end(gone), "");
        std::string values;
        for (const auto& [path, other] : workspace.files) {
            if (folder_of(path) != folder_of(file.path) || path.find("values") == path.npos)
                continue;
            const YamlLines their(other.text);
            const auto at = their.child(-1, "ollama");
            if (!at) continue;
            for (const int k : their.children(*at))
                values += (values.empty() ? "" : ", ") +
                          std::string(their.lines()[static_cast<std::size_t>(k)].key);
            if (other.editable())
                group.edit(other, their.lines()[static_cast<std::size_t>(*at)].begin,
                           their.block_end(*at), "");
        }
        group.note(
            file, line(*list).begin,
            "the chart of Ollama went: vLLM needs a Deployment, a Service and a claim of its "
            "own here",
            values.empty() ? std::string("add templates for vLLM")
                           : "add templates for vLLM; these values of ollama: have no reader "
                             "any more: " +
                                 values);
    }
    return group;
}

}  // namespace

Groups kubernetes(const Workspace& workspace, const Context& context) {
    Groups groups;
    ChartImages images;
    for (const auto& [path, file] : workspace.files) {
        const auto name = std::string_view(path).substr(path.rfind('/') + 1);
        if (!file.editable() || file.language() != Language::kYaml) continue;
        if (name == "Chart.yaml") groups.push_back(chart(file, workspace));
        if (name.starts_with("values") &&
            workspace.files.contains((folder_of(path).empty() ? "" : folder_of(path) + "/") +
                                     "Chart.yaml"))
            groups.push_back(Values(file).run(images[folder_of(path)]));
    }
    std::vector<UsedModel> models;
    bool looked = false;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kYaml || !file.form.kubernetes ||
            file.text.find("ollama") == std::string::npos)
            continue;
        if (!looked) models = models_used(workspace, context);
        looked = true;
        auto top = folder_of(path);
        while (!top.empty() && !images.contains(top))
            top = folder_of(top);
        groups.push_back(
            Manifest(file, models, context_length(workspace), images[top], context.port).run());
    }
    return groups;
}

}  // namespace segue::rewrite
