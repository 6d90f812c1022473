// final: compose. What runs Ollama runs vLLM, one server a model, with Segue before them; helpers
// that pull models go. Blocks are edited where they stand: anchors, merges, profiles, comments keep
// their form.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/compose_file.hpp"
#include "rewrite/steps/models_used.hpp"
#include "rewrite/steps/service_text.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

class Compose {
public:
    Compose(const ComposeFile& compose, const ComposeTree& tree)
        : c_(compose), tree_(tree), file_(compose.file()) {
        group_.rule = 114;
        group_.what = "the services in " + file_.path;
    }

    Group run() {
        for (const int service : c_.services()) {
            const auto name = std::string(c_.line(service).key);
            if (tree_.helpers.contains(name)) {
                remove_block(service);
                continue;
            }
            if (tree_.choices.contains(name)) {
                group_.note(
                    file_, c_.line(service).begin,
                    "runs Ollama on a CPU or an AMD card: vLLM's image for it is another "
                    "one, and that is a choice",
                    "vllm/vllm-openai needs CUDA; see docs.vllm.ai for ROCm and CPU builds, "
                    "or drop the service");
                continue;
            }
            if (tree_.servers.contains(name))
                server(service, name);
            else
                client(service);
        }
        for (const int anchor : c_.anchors())
            if (c_.runs_ollama(anchor)) server(anchor, {});
        if (c_.file().path == tree_.home) add_services();
        return std::move(group_);
    }

private:
    const YamlLine& line(int i) const { return c_.line(i); }
    std::string pad(std::size_t columns) const { return std::string(columns, ' '); }

    void remove_block(int block) {
        auto begin = line(block).begin;
        // Comments right above belong to it.
        while (begin > 0) {
            const auto above = line_begin(file_.text, begin - 1);
            const auto text = trim(line_around(file_.text, above));
            if (!text.starts_with('#')) break;
            begin = above;
        }
        auto end = c_.yaml().block_end(block);
        while (end < file_.text.size() && trim(line_around(file_.text, end)).empty() &&
               line_end(file_.text, end) > end)
            end = line_end(file_.text, end);
        group_.edit(file_, begin, end, "");
    }

    /// An Ollama server: keys that are there change where they are; missing ones are added to the
    /// block that names the image.
    void server(int service, const std::string& name) {
        const bool main_block = c_.runs_ollama(service);
        const auto indent = c_.yaml().child_indent(service);
        std::set<std::string, std::less<>> has;
        for (const int i : c_.yaml().children(service)) {
            const auto key = line(i).key;
            has.emplace(key);
            if (key == "image")
                replace_value(i, std::string(kVllmImage), 113);
            else if (key == "command" || key == "entrypoint")
                remove_lines(i);
            else if (key == "environment")
                environment(i);
            else if (key == "healthcheck")
                healthcheck(i);
            else if (key == "depends_on")
                depends(i, {});
            else if (key == "devices" && block_text(i).find("/dev/kfd") != std::string::npos)
                group_.note(file_, line(i).begin, "an AMD card is handed in", {});
        }
        if (!main_block) return;
        std::string add;
        const auto p = pad(indent);
        const auto* const model = model_of(name);
        add += p + "command: " + command(model) + "\n";
        if (!has.contains("environment"))
            add += p + "environment:\n" + p + "  HF_HOME: /root/.cache/huggingface\n" + p +
                   "  HF_TOKEN: ${HF_TOKEN:-}\n";
        if (!has.contains("volumes")) {
            add += p + "volumes:\n" + p + "  - huggingface:/root/.cache/huggingface\n";
            tree_.needs_volume = true;
        }
        if (!has.contains("ipc")) add += p + "ipc: host\n";
        if (!has.contains("healthcheck")) add += vllm_health_check(indent, tree_.port);
        if (!has.contains("deploy") && !has.contains("gpus") && !tree_.gpu_elsewhere.contains(name))
            add += card_reservation(indent);
        insert_after(service, "image", add);
        if (model == nullptr || model->id.empty())
            group_.note(file_, line(service).begin,
                        "which model this server is to serve is not known: compose asks for "
                        "VLLM_MODEL_PATH",
                        "set it in .env to a model's id, or say --map and run again", 107);
    }

    const UsedModel* model_of(const std::string& name) const {
        if (const auto at = tree_.model_of_service.find(name); at != tree_.model_of_service.end())
            return &tree_.models[at->second];
        return tree_.models.empty() ? nullptr : &tree_.models.front();
    }

    std::string command(const UsedModel* model) const {
        const auto length = tree_.context == 0 ? 8192U : tree_.context;
        const auto longest = model == nullptr ? 0 : model->context;
        const auto used = longest == 0 ? length : std::min(length, longest);
        std::string id = model == nullptr ? "" : model->id;
        std::string out;
        if (model == nullptr || id.empty()) {
            const std::string served = model == nullptr ? "default" : model->tag;
            return fmt::format(
                "[\"--model\", \"${{VLLM_MODEL_PATH:?the model to serve}}\", "
                "\"--served-model-name\", \"{}\", \"--max-model-len\", \"{}\", "
                "\"--port\", \"{}\"]",
                served, used, tree_.port);
        }
        if (!model->variable.empty() && tree_.interpolated.contains(model->variable))
            id = "${" + model->variable + ":-" + id + "}";
        return fmt::format(
            "[\"--model\", \"{0}\", \"--served-model-name\", \"{0}\", "
            "\"--max-model-len\", \"{1}\", \"--port\", \"{2}\"{3}]",
            id, used, tree_.port, model->embeds ? ", \"--runner\", \"pooling\"" : "");
    }

    void healthcheck(int block) {
        bool start = false;
        bool test = false;
        const auto below = c_.yaml().children(block);
        for (const int i : below) {
            if (line(i).key == "test") {
                test = true;
                group_.edit(file_, line(i).value.empty() ? line(i).key_at + 5 : line(i).value_at,
                            content_end(i),
                            std::string(line(i).value.empty() ? " " : "") +
                                "[\"CMD\", \"curl\", \"-f\", \"http://localhost:" + tree_.port +
                                "/health\"]",
                            117);
            }
            if (line(i).key == "start_period") {
                start = true;
                replace_value(i, "600s", 114);
            }
        }
        if (test && !start)
            group_.edit(file_, c_.yaml().block_end(block), c_.yaml().block_end(block),
                        ended(c_.yaml().block_end(block)) + pad(line(below.front()).indent) +
                            "start_period: 600s\n");
    }

    /// Server tuning goes; what vLLM needs comes.
    void environment(int block) {
        const auto below = c_.yaml().children(block);
        const bool list = !below.empty() && line(below.front()).item;
        bool placed = false;
        for (const int i : below) {
            const auto name = list ? yaml_unquoted(line(i).value) : line(i).key;
            if (!name.starts_with("OLLAMA_") && !name.starts_with("\"OLLAMA_")) continue;
            const auto variable = name.substr(0, name.find('='));
            const auto p = pad(line(i).indent);
            std::string put;
            if (!placed)
                put = list ? p + "- HF_HOME=/root/.cache/huggingface\n" + p +
                                 "- HF_TOKEN=${HF_TOKEN:-}\n"
                           : p + "HF_HOME: /root/.cache/huggingface\n" + p +
                                 "HF_TOKEN: ${HF_TOKEN:-}\n";
            placed = true;
            group_.edit(file_, line(i).begin, c_.yaml().block_end(i), put, 105);
            if (variable == "OLLAMA_KV_CACHE_TYPE")
                group_.note(
                    file_, line(i).begin,
                    "OLLAMA_KV_CACHE_TYPE was set: vLLM's --kv-cache-dtype is its "
                    "counterpart, with other values",
                    "add \"--kv-cache-dtype\", \"fp8\" to the command when answers stay good");
        }
    }

    /// Somebody who uses the server: helpers leave depends_on, the server becomes Segue.
    void client(int service) {
        const bool foreign = c_.is_foreign(service);
        for (const int i : c_.yaml().children(service)) {
            const auto key = line(i).key;
            if (key == "depends_on")
                depends(i, tree_.segue ? "segue" : std::string());
            else if (key == "environment")
                addresses(i, foreign);
            else if ((key == "links" || key == "network_mode") && names_server(block_text(i)))
                group_.note(file_, line(i).begin,
                            fmt::format("{} ties this service to the server: check that it still "
                                        "holds",
                                        key),
                            {});
        }
    }

    bool names_server(std::string_view text) const {
        return std::any_of(tree_.servers.begin(), tree_.servers.end(),
                           [&](const std::string& name) { return text.find(name) != text.npos; });
    }

    void depends(int block, const std::string& instead) {
        const auto below = c_.yaml().children(block);
        if (below.empty()) {  // flow: [ollama, db]
            auto items = split(line(block).value.size() > 2
                                   ? line(block).value.substr(1, line(block).value.size() - 2)
                                   : std::string_view(),
                               ',');
            std::string flow;
            bool touched = false;
            for (auto item : items) {
                item = yaml_unquoted(item);
                const bool server = tree_.servers.contains(std::string(item));
                touched = touched || server || tree_.helpers.contains(std::string(item));
                if (tree_.helpers.contains(std::string(item))) continue;
                const auto name = server && !instead.empty() ? instead : std::string(item);
                if (!flow.empty()) flow += ", ";
                flow += fmt::format("{}: {{condition: {}}}", name,
                                    server ? "service_healthy" : "service_started");
            }
            if (!touched) return;
            if (flow.empty())
                remove_lines(block);
            else
                replace_value(block, "{" + flow + "}", 114);
            return;
        }
        const bool list = line(below.front()).item;
        std::size_t left = 0;
        bool touched = false;
        bool have = false;
        for (const int i : below) {
            const auto name = std::string(list ? yaml_unquoted(line(i).value) : line(i).key);
            touched = touched || tree_.servers.contains(name) || tree_.helpers.contains(name);
            if (!tree_.helpers.contains(name)) ++left;
        }
        if (!touched) return;
        if (left == 0) {
            remove_lines(block);
            return;
        }
        for (const int i : below) {
            const auto name = std::string(list ? yaml_unquoted(line(i).value) : line(i).key);
            const bool server = tree_.servers.contains(name);
            if (tree_.helpers.contains(name)) {
                remove_lines(i);
                continue;
            }
            auto fresh = server && !instead.empty() ? instead : name;
            if (server && have) {
                remove_lines(i);
                continue;
            }
            have = have || (server && !instead.empty());
            if (list) {
                const auto p = pad(line(block).indent + 2);
                group_.edit(file_, line(i).begin, line(i).end,
                            p + fresh + ":\n" + p + "  condition: " +
                                (server ? "service_healthy" : "service_started") + "\n");
            } else if (server) {
                if (fresh != name)
                    group_.edit(file_, line(i).key_at, line(i).key_at + line(i).key.size(), fresh);
                for (const int k : c_.yaml().children(i))
                    if (line(k).key == "condition" && line(k).value == "service_started")
                        replace_value(k, "service_healthy", 114);
            }
        }
    }

    /// http://ollama:11434 → http://segue:8484. A foreign image reads names of its own choice.
    void addresses(int block, bool foreign) {
        const std::string_view text = file_.text;
        for (const int i : c_.yaml().children(block)) {
            const auto whole = text.substr(line(i).begin, line(i).end - line(i).begin);
            if (foreign &&
                audit::has_word(line(i).item ? line(i).value.substr(0, line(i).value.find('='))
                                             : line(i).key)) {
                foreign_name(i);
                continue;
            }
            if (!tree_.segue) continue;
            for (const auto& name : tree_.servers)
                for (auto at = whole.find("://" + name); at != whole.npos;
                     at = whole.find("://" + name, at + 1)) {
                    const auto begin = at + 3;
                    auto end = begin + name.size();
                    if (end < whole.size() &&
                        (std::isalnum(static_cast<unsigned char>(whole[end])) ||
                         whole[end] == '-' || whole[end] == '_'))
                        continue;
                    if (end < whole.size() && whole[end] == ':') {
                        auto digits = end + 1;
                        while (digits < whole.size() &&
                               std::isdigit(static_cast<unsigned char>(whole[digits])))
                            ++digits;
                        if (digits > end + 1) end = digits;
                    }
                    group_.edit(file_, line(i).begin + begin, line(i).begin + end, "segue:8484",
                                104);
                }
        }
    }

    std::string engine_base() const {
        return tree_.segue ? "http://segue:8484/v1" : "http://vllm:" + tree_.port + "/v1";
    }

    void foreign_name(int i) {
        const auto name =
            line(i).item
                ? yaml_unquoted(line(i).value).substr(0, yaml_unquoted(line(i).value).find('='))
                : line(i).key;
        const auto at = file_.text.find(name, line(i).begin);
        if (name == "OLLAMA_BASE_URL" && !line(i).item) {
            group_.edit(file_, at, at + name.size(), "OPENAI_API_BASE_URL", 105);
            replace_value(i, engine_base(), 104);
        } else if (name == "OLLAMA_BASE_URL") {
            group_.edit(
                file_, at, line(i).value_at + line(i).value.size(),
                "OPENAI_API_BASE_URL=" + engine_base() + (line(i).value.ends_with('"') ? "\"" : ""),
                105);
        } else {
            group_.note(file_, at,
                        fmt::format("{} is read by another product's image: only its manual says "
                                    "what replaces it",
                                    name),
                        "set that product's OpenAI-compatible address to http://segue:8484/v1",
                        105);
        }
    }

    void add_services() {
        const auto servers = c_.services();
        int last = -1;
        for (const int service : servers)
            if (tree_.servers.contains(std::string(line(service).key)) &&
                c_.runs_ollama_or_anchor(service))
                last = service;
        if (last < 0) return;
        const auto indent = line(last).indent;
        const auto p = pad(indent);
        std::string add;
        std::vector<std::string> names;
        // Names as they are: the names stage renames them with all others.
        const auto main_name = std::string(line(last).key);
        names.push_back(main_name);
        for (const auto& extra : tree_.extra) {
            names.push_back(extra.name);
            add += "\n" + vllm_service({extra.name, command(&tree_.models[extra.model]),
                                        cache_volume(last), tree_.port},
                                       indent);
        }
        SegueService segue;
        segue.waits_for = names;
        segue.reads_file = names.size() > 1;
        if (names.size() == 1)
            segue.environment.emplace_back("VLLM_ENDPOINT",
                                           "http://" + main_name + ":" + tree_.port);
        add += "\n" + segue_service(segue, indent);
        const auto at = c_.yaml().block_end(last);
        group_.edit(file_, at, at, ended(at) + add);
        group_.note(file_, line(last).begin,
                    "Segue's image is not in a public registry: build or load it, or name yours in "
                    "SEGUE_IMAGE",
                    "docker load < segue.tar");
        if (names.size() > 1) {
            engines_file(names);
            group_.note(file_, line(last).begin,
                        fmt::format("{} models, one vLLM server each: they share the machine's "
                                    "cards",
                                    names.size()),
                        "give each its own card, or add \"--gpu-memory-utilization\" shares whose "
                        "sum stays below 0.9");
        }
        if (tree_.needs_volume && c_.yaml().child(-1, "volumes"))
            group_.edit(file_, line(*c_.yaml().child(-1, "volumes")).end,
                        line(*c_.yaml().child(-1, "volumes")).end, p + "huggingface:\n");
        else if (tree_.needs_volume)
            group_.edit(file_, file_.text.size(), file_.text.size(),
                        ended(file_.text.size()) + "\nvolumes:\n" + p + "huggingface:\n");
    }

    void engines_file(const std::vector<std::string>& names) {
        const auto slash = file_.path.rfind('/');
        const auto path =
            (slash == std::string::npos ? "" : file_.path.substr(0, slash + 1)) + "segue.yaml";
        std::string text =
            "# One vLLM server a model; each is served under its own name.\n"
            "listen: 0.0.0.0:8484\nengines:\n";
        for (const auto& name : names)
            text += "  - name: " + name + "\n    dialect: openai\n    url: http://" + name + ":" +
                    tree_.port + "\n";
        if (tree_.has_segue_yaml)
            group_.note(file_, 0, "segue.yaml is there already: add the engines to it", text);
        else
            group_.files.emplace_back(path, text);
    }

    /// The volume that the server keeps its models in.
    std::string cache_volume(int service) const {
        if (const auto volumes = c_.yaml().child(service, "volumes"))
            for (const int i : c_.yaml().children(*volumes)) {
                const auto value = yaml_unquoted(line(i).value);
                if (value.find(".ollama") == value.npos) continue;
                return std::string(value.substr(0, value.find(':')));
            }
        return "huggingface";
    }

    void insert_after(int block, std::string_view key, const std::string& text) {
        if (const auto at = c_.yaml().child(block, key)) {
            const auto end = c_.yaml().block_end(*at);
            group_.edit(file_, end, end, ended(end) + text);
        }
    }
    /// A line end when the text stops without one.
    std::string ended(std::size_t at) const {
        return at > 0 && file_.text[at - 1] != '\n' ? "\n" : "";
    }
    std::string block_text(int i) const {
        return file_.text.substr(line(i).begin, c_.yaml().block_end(i) - line(i).begin);
    }
    void remove_lines(int i) { group_.edit(file_, line(i).begin, c_.yaml().block_end(i), ""); }
    /// Behind the value, also of a list or a block below; without the line end.
    std::size_t content_end(int i) const {
        auto end = c_.yaml().block_end(i);
        if (c_.yaml().children(i).empty() && !line(i).value.empty() &&
            !line(i).value.starts_with('|') && !line(i).value.starts_with('>') &&
            c_.yaml().block_end(i) == line(i).end)
            return line(i).value_at + line(i).value.size();
        while (end > 0 && (file_.text[end - 1] == '\n' || file_.text[end - 1] == '\r'))
            --end;
        return end;
    }
    void replace_value(int i, std::string text, int rule) {
        group_.edit(file_, line(i).value_at, content_end(i), std::move(text), rule);
    }

    const ComposeFile& c_;
    const ComposeTree& tree_;
    const File& file_;
    Group group_;
};

}  // namespace

Groups compose(const Workspace& workspace, const Context& context) {
    ComposeTree tree(workspace, context);
    Groups groups;
    Group all;
    all.rule = 114;
    all.what = "the Ollama services of compose";
    for (const auto& file : tree.files) {
        auto group = Compose(file, tree).run();
        // One group: services and those who depend on them change in every file together.
        all.edits.insert(all.edits.end(), group.edits.begin(), group.edits.end());
        all.notes.insert(all.notes.end(), group.notes.begin(), group.notes.end());
        all.files.insert(all.files.end(), group.files.begin(), group.files.end());
    }
    groups.push_back(std::move(all));
    return groups;
}

}  // namespace segue::rewrite
