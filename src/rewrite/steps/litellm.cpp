// final: LiteLLM. Its provider for vLLM is OpenAI's client, so addresses end in /v1; the provider's
// name changes also where the model behind it is not known or comes from elsewhere.
#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/models.hpp"
#include "rewrite/python/python.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

constexpr std::string_view kProviders[] = {"ollama_chat/", "ollama/"};

bool speaks(std::string_view text) {
    return text.find("litellm") != text.npos || text.find("LiteLLM") != text.npos;
}

/// An address without a path at the beginning of `text`: how long it is.
std::size_t bare_address(std::string_view text) {
    const auto scheme = text.find("://");
    if (scheme == text.npos || scheme > 5) return 0;
    auto end = text.find_first_of(" \t\r\n\"'`,;}#", scheme + 3);
    if (end == text.npos) end = text.size();
    const auto address = text.substr(0, end);
    return address.find('/', scheme + 3) == address.npos ? end : 0;
}

/// `OLLAMA_API_BASE=http://…`, `OLLAMA_API_BASE: ${X:-http://…}`, `"OLLAMA_API_BASE", "http://…"`.
void variable(const File& file, Group& group) {
    constexpr std::string_view kName = "OLLAMA_API_BASE";
    const std::string_view text = file.text;
    for (auto at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
        const auto line = line_around(text, at);
        const auto from = at - line_begin(text, at) + kName.size();
        const auto http = line.find("http", from);
        if (http == line.npos || line.substr(from, http - from).find('#') != line.npos) continue;
        if (const auto size = bare_address(line.substr(http)); size != 0) {
            const auto end = line_begin(text, at) + http + size;
            group.edit(file, end, end, "/v1");
        }
    }
}

void in_yaml(const File& file, Group& group, const ModelMap& own) {
    const YamlLines yaml(file.text);
    for (std::size_t i = 0; i < yaml.lines().size(); ++i) {
        const auto& line = yaml.lines()[i];
        if (line.key != "model") continue;
        for (const auto provider : kProviders) {
            if (!yaml_unquoted(line.value).starts_with(provider)) continue;
            const auto at = file.text.find(provider, line.value_at);
            // A known model changes as a whole, later.
            if (!model_for(yaml_unquoted(line.value).substr(provider.size()), own))
                group.edit(file, at, at + provider.size(), "hosted_vllm/", 106);
            for (const std::string_view key : {"api_base", "base_url"}) {
                const auto base = yaml.child(line.item ? static_cast<int>(i) : line.parent, key);
                if (!base) continue;
                const auto& place = yaml.lines()[static_cast<std::size_t>(*base)];
                const auto value = yaml_unquoted(place.value);
                const bool address = value.starts_with("http") && !value.ends_with("/v1");
                if (!address) continue;
                const auto end = place.value_at + place.value.size() -
                                 (place.value.back() == '"' || place.value.back() == '\'' ? 1 : 0);
                group.edit(file, end, end, value.ends_with('/') ? "v1" : "/v1");
            }
            break;
        }
    }
}

/// `BASE = os.environ["OLLAMA_API_BASE"]`, or the reading itself.
bool reads_own_variable(Node root, std::string_view name) {
    bool found = name.find("OLLAMA_API_BASE") != name.npos;
    root.walk([&](Node node) {
        if (node.is("assignment") && node.field("left").text() == name)
            found = found ||
                    node.field("right").text().find("OLLAMA_API_BASE") != std::string_view::npos;
        return !found;
    });
    return found;
}

void in_python(const File& file, Group& group) {
    const auto tree = audit::Tree::parse(Language::kPython, file.text);
    if (!tree) return;
    const auto root = root_of(*tree);
    root.walk([&](Node node) {
        if (!node.is("call")) return true;
        const auto arguments = node.field("arguments");
        const auto model = python::keyword(arguments, "model");
        const auto name = model ? python::string_value(model.field("value")) : std::nullopt;
        const bool ours =
            name && (name->starts_with("ollama/") || name->starts_with("ollama_chat/"));
        if (!ours) return true;
        for (const std::string_view key : {"api_base", "base_url"}) {
            const auto base = python::keyword(arguments, key);
            if (!base) continue;
            const auto value = base.field("value");
            const std::string text(value.text());
            if (const auto literal = python::string_value(value)) {
                if (literal->starts_with("http") && !literal->ends_with("/v1"))
                    group.edit(file, value.end() - 1, value.end() - 1, "/v1");
            } else if (reads_own_variable(root, text)) {
                continue;  // it gets its /v1 there
            } else if (value.is("identifier") || value.is("attribute")) {
                group.edit(file, value.start(), value.end(), "f\"{" + text + "}/v1\"");
            } else {
                group.note(file, value.start(), "LiteLLM's address for vLLM ends in /v1", {}, 104);
            }
        }
        return true;
    });
}

}  // namespace

Groups litellm(const Workspace& workspace, const Context& context) {
    Groups groups;
    bool used = false;
    for (const auto& [path, file] : workspace.files)
        used = used || (file.editable() && !file.form.doc && speaks(file.text));
    if (!used) return groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.form.doc || !audit::has_word(file.text)) continue;
        Group group;
        group.rule = 104;
        group.what = "LiteLLM's addresses in " + path;
        variable(file, group);
        if (file.language() == Language::kYaml) in_yaml(file, group, context.settings.models);
        if (file.language() == Language::kPython && speaks(file.text)) in_python(file, group);
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace segue::rewrite
