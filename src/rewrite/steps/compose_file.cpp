#include "rewrite/steps/compose_file.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"

namespace segue::rewrite {
namespace {

bool is_compose(const File& file) {
    if (!file.editable() || file.language() != Language::kYaml || file.form.kubernetes)
        return false;
    if (file.form.compose) return true;
    const YamlLines yaml(file.text);
    return yaml.child(-1, "services").has_value() && file.text.find("image:") != std::string::npos;
}

/// "vllm-embed", "vllm-deepseek-r1": by what it is for.
std::string service_name(const UsedModel& model, const std::string& first) {
    if (model.embeds) return first + "-embed";
    auto tag = model.tag.substr(model.tag.rfind('/') + 1);
    tag = tag.substr(0, tag.find(':'));
    std::string out;
    for (const char c : tag)
        out += c == '.' || c == '_' ? '-' : c;
    return first + "-" + out;
}

}  // namespace

std::vector<int> ComposeFile::services() const {
    const auto top = yaml_.child(-1, "services");
    return top ? yaml_.children(*top) : std::vector<int>();
}

std::vector<int> ComposeFile::anchors() const {
    std::vector<int> out;
    for (const int i : yaml_.children(-1))
        if (line(i).key.starts_with("x-") && !line(i).key.empty()) out.push_back(i);
    return out;
}

bool ComposeFile::runs_ollama(int block) const {
    const auto image = yaml_.child(block, "image");
    return image && is_ollama_image(line(*image).value);
}

bool ComposeFile::runs_ollama_or_anchor(int block) const {
    if (runs_ollama(block)) return true;
    for (const int i : yaml_.children(block)) {
        if (line(i).key != "<<" || line(i).value.find('*') == std::string_view::npos) continue;
        for (const int anchor : anchors()) {
            const auto value = line(anchor).value;
            if (!value.starts_with('&')) continue;
            const auto name = std::string(value.substr(1));
            if (line(i).value.find("*" + name) != std::string_view::npos && runs_ollama(anchor))
                return true;
        }
        for (const int other : services()) {
            const auto value = line(other).value;
            if (other != block && value.starts_with('&') && runs_ollama(other) &&
                line(i).value.find("*" + std::string(value.substr(1))) != std::string_view::npos)
                return true;
        }
    }
    return false;
}

bool ComposeFile::is_foreign(int block) const {
    return yaml_.child(block, "image").has_value() && !yaml_.child(block, "build").has_value() &&
           [&] {
               // The project's own image, pushed by its pipeline, stands in the same name space as
               // none of the well-known products.
               const auto image = to_lower(yaml_unquoted(line(*yaml_.child(block, "image")).value));
               for (const std::string_view known :
                    {"open-webui", "n8nio/", "langflow", "flowise", "anythingllm", "librechat",
                     "lobehub", "lobe-chat", "dify", "ghcr.io/open-", "hollama", "chatbot-ui",
                     "big-agi", "perplexica"})
                   if (image.find(known) != std::string::npos) return true;
               return false;
           }();
}

ComposeTree::ComposeTree(const Workspace& workspace, const Context& from) {
    for (const auto& [path, file] : workspace.files) {
        if (path == "segue.yaml" || path.ends_with("/segue.yaml")) has_segue_yaml = true;
        if (is_compose(file)) files.emplace_back(file);
    }
    models = models_used(workspace, from);
    context = context_length(workspace);
    port = from.port;
    bool has_segue = false;
    for (const auto& compose : files) {
        const std::string_view text = compose.file().text;
        for (auto at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
            const auto end = text.find_first_of(":-}?", at + 2);
            if (end != text.npos) interpolated.emplace(text.substr(at + 2, end - at - 2));
        }
        for (const int service : compose.services()) {
            const auto name = std::string(compose.line(service).key);
            const auto begin = compose.line(service).begin;
            const auto block = text.substr(begin, compose.yaml().block_end(service) - begin);
            has_segue = has_segue || name == "segue";
            const bool pulls = block.find("ollama pull") != block.npos ||
                               block.find("/api/pull") != block.npos ||
                               block.find("ollama create") != block.npos;
            const bool runs = compose.runs_ollama_or_anchor(service);
            const bool serves = block.find("ollama serve") != block.npos ||
                                compose.yaml().child(service, "ports").has_value();
            if (pulls && !serves) {
                helpers.insert(name);
                continue;
            }
            if (!runs) continue;
            const auto lower = to_lower(block);
            if (lower.find("rocm") != lower.npos || lower.find("/dev/kfd") != lower.npos ||
                name.ends_with("-cpu") || name.ends_with("_cpu") ||
                name.find("rocm") != name.npos || name.find("amd") != name.npos)
                choices.insert(name);
            else
                servers.insert(name);
            if (home.empty() && servers.contains(name)) home = compose.file().path;
        }
    }
    for (const auto& compose : files)
        for (const int service : compose.services()) {
            const auto name = std::string(compose.line(service).key);
            if (!servers.contains(name)) continue;
            const auto begin = compose.line(service).begin;
            const auto block = std::string_view(compose.file().text)
                                   .substr(begin, compose.yaml().block_end(service) - begin);
            if (block.find("capabilities") != block.npos && block.find("gpu") != block.npos)
                gpu_elsewhere.insert(name);
        }
    segue = !servers.empty() && !has_segue && from.settings.step != Step::kDropIn;
    if (has_segue) home.clear();
    if (servers.size() == 1 && !models.empty()) {
        const auto first = *servers.begin();
        std::set<std::string> names{first};
        for (std::size_t i = 1; i < models.size(); ++i) {
            if (models[i].id.empty()) continue;
            auto name = service_name(models[i], first);
            while (!names.insert(name).second)
                name += "-2";
            extra.push_back({std::move(name), i});
        }
    } else if (servers.size() > 1) {
        // One a model already: by the name, else in order.
        std::size_t next = 0;
        for (const auto& server : servers) {
            const bool embeds = server.find("embed") != server.npos;
            for (std::size_t i = 0; i < models.size(); ++i)
                if (models[i].embeds == embeds && i >= (embeds ? 0 : next)) {
                    model_of_service[server] = i;
                    if (!embeds) next = i + 1;
                    break;
                }
        }
    }
}

}  // namespace segue::rewrite
