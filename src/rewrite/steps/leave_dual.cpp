// final, on a tree that dual went over: what dual wrote goes again (its modules and their calls,
// both sets of names, the allowance), so that the families behind find the code as they know it.
// Compose keeps the vLLM and the Segue that dual put there, and loses Ollama.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/python/python.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/compose_file.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

/// Calls of dual's module in one file become what final would have written there.
class Users : public Attempt {
public:
    explicit Users(const File& file)
        : Attempt(file, 120, "the calls of dual's module in " + file.path) {}

    bool python() {
        const auto tree = audit::Tree::parse(Language::kPython, file_.text);
        if (!tree) return false;
        const auto root = root_of(*tree);
        root.walk([&](Node node) {
            if (node.is("import_statement") || node.is("import_from_statement")) {
                if (node.text() == "import ai_client" || node.text().ends_with(" import ai_client"))
                    drop_line(node);
                return false;
            }
            if (!node.is("attribute") || node.field("object").text() != "ai_client") return true;
            const auto name = node.field("attribute").text();
            const auto call = node.parent();
            const bool called = call.is("call") && call.field("function") == node;
            const auto value = called ? call.field("arguments").at(0) : Node();
            if (name == "API_KEY")
                replace(node, python::openai_key(*this), 106);
            else if (name == "base_url" && called)
                replace(call, python_base(value), 104);
            else if (name == "model" && value)
                replace(call, std::string(value.text()), 107);
            else if (name == "address" && value)
                python_address(call, value);
            else
                fail(node, fmt::format("uses {} of dual's module", name));
            return false;
        });
        std::set<std::string> done;
        python::import_wanted(*this, root, done);
        return fine();
    }

    bool script() {
        script::Parsed parsed;
        script::parse(file_, parsed);
        if (!parsed.tree) return false;
        const auto root = root_of(*parsed.tree);
        const char quote = script::quote_of(parsed.text);
        root.walk([&](Node node) {
            const bool brings = node.is("import_statement") || node.is("lexical_declaration");
            if (brings && (node.text().find("* as aiClient") != std::string_view::npos ||
                           node.text().starts_with("const aiClient"))) {
                drop_line(node);
                return false;
            }
            if (!node.is("member_expression") || node.field("object").text() != "aiClient")
                return true;
            const auto name = node.field("property").text();
            const auto call = node.parent();
            const bool called = call.is("call_expression") && call.field("function") == node;
            const auto value = called ? call.field("arguments").at(0) : Node();
            if (name == "API_KEY")
                replace(node, script::openai_key(quote), 106);
            else if (name == "baseURL" && called)
                replace(call, script_base(value, quote), 104);
            else if (name == "model" && value)
                script_model(call, value);
            else if (name == "address" && value)
                script_address(call, value, quote);
            else
                fail(node, fmt::format("uses {} of dual's module", name));
            return false;
        });
        return fine();
    }

private:
    void drop_line(Node statement) {
        group_.edit(file_, line_begin(file_.text, statement.start()),
                    line_end(file_.text, statement.end()), "", 101);
    }

    /// Where the address stood in the code VLLM_ENDPOINT went before it, and does so on.
    std::string python_base(Node value) {
        const auto literal = value ? python::string_value(value) : std::nullopt;
        if (!literal || literal->find("://") == std::string::npos)
            return python::openai_base(*this, value);
        wants("os");
        return fmt::format("os.getenv({0}VLLM_ENDPOINT{0}, {1}) + {0}/v1{0}", value.text().back(),
                           value.text());
    }
    static std::string script_base(Node value, char quote) {
        const auto literal = value ? script::string_value(value) : std::nullopt;
        if (!literal || literal->find("://") == std::string::npos)
            return script::openai_base(value, quote);
        return fmt::format("`${{process.env.VLLM_ENDPOINT ?? {}}}/v1`", value.text());
    }

    /// f"{ai_client.address('http://h')}/v1/…" was "http://h/…".
    void python_address(Node call, Node value) {
        const auto text = out_of_hole(call, value, python::string_value(value), "interpolation");
        if (text && text.text().starts_with("f"))
            group_.edit(file_, text.start(), text.start() + 1, "", 104);
    }

    /// The address stands in the place of its call, or of the hole around it. The text with the
    /// hole, where it was the only one.
    Node out_of_hole(Node call, Node value, const std::optional<std::string>& literal,
                     std::string_view kind) {
        const auto hole = call.parent();
        if (!hole.is(kind) || !literal) {
            replace(call, std::string(value.text()), 104);
            return {};
        }
        replace(hole, *literal, 104);
        const auto text = hole.parent();
        std::size_t holes = 0;
        for (const auto part : text.children())
            holes += part.is(kind) ? 1 : 0;
        return holes == 1 ? text : Node();
    }

    void script_model(Node call, Node value) {
        const auto pair = call.parent();
        if (pair.is("pair") && pair.field("key").text() == value.text())
            replace(pair, std::string(value.text()), 107);
        else
            replace(call, std::string(value.text()), 107);
    }

    void script_address(Node call, Node value, char quote) {
        const auto text =
            out_of_hole(call, value, script::string_value(value), "template_substitution");
        if (!text || text.text().find(quote) < text.text().find("${")) return;
        group_.edit(file_, text.start(), text.start() + 1, std::string(1, quote), 104);
        group_.edit(file_, text.end() - 1, text.end(), std::string(1, quote), 104);
    }
};

/// An environment file: the old line takes the new name's value, where somebody gave it one.
void environment(const File& file, Group& group) {
    const std::string_view text = file.text;
    struct Line {
        std::size_t begin, end;
        std::string_view name, value;
    };
    std::vector<Line> lines;
    for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
        const auto line = line_around(text, at);
        const auto equals = line.find('=');
        if (line.starts_with(kDualEnvironmentHead))
            group.edit(file, at, line_end(text, at), "");
        else if (equals != line.npos && !line.starts_with('#'))
            lines.push_back(
                {at, line_end(text, at), trim(line.substr(0, equals)), line.substr(equals + 1)});
    }
    for (const auto& line : lines) {
        const bool lonely = line.name == "VLLM_API_KEY" && trim(line.value).empty();
        bool twin = false;
        for (const auto& old : lines) {
            if (dual_name(old.name) != line.name) continue;
            twin = true;
            if (trim(line.value).empty()) continue;
            const auto at = old.begin + text.substr(old.begin).find('=') + 1;
            group.edit(file, at, at + old.value.size(), std::string(line.value));
        }
        if (twin || lonely || line.name == "AI_BACKEND") group.edit(file, line.begin, line.end, "");
    }
}

class LeaveCompose {
public:
    LeaveCompose(const ComposeTree& tree, const ComposeFile& compose)
        : tree_(tree), c_(compose), file_(compose.file()) {
        group_.rule = 114;
    }

    Group run() {
        for (const int service : c_.services()) {
            const std::string name(c_.line(service).key);
            if (tree_.servers.contains(name) || tree_.helpers.contains(name))
                remove_service(service);
            else if (name == "segue")
                segue(service);
            else if (runs_vllm(service))
                served_names(service);
            else
                client(service);
        }
        return std::move(group_);
    }

private:
    const YamlLine& line(int i) const { return c_.line(i); }
    std::string_view block(int i) const {
        return std::string_view(file_.text)
            .substr(line(i).begin, c_.yaml().block_end(i) - line(i).begin);
    }
    void remove(int i) { group_.edit(file_, line(i).begin, c_.yaml().block_end(i), ""); }
    /// "X: v" or "- X=v".
    std::string_view name_of(int i) const {
        if (!line(i).key.empty()) return line(i).key;
        const auto whole = yaml_unquoted(line(i).value);
        return whole.substr(0, whole.find('='));
    }
    bool runs_vllm(int service) const {
        const auto image = c_.yaml().child(service, "image");
        return image && line(*image).value.find("vllm/vllm-openai") != std::string_view::npos;
    }

    void remove_service(int service) {
        auto end = c_.yaml().block_end(service);
        while (end < file_.text.size() && trim(line_around(file_.text, end)).empty())
            end = line_end(file_.text, end);
        group_.edit(file_, line(service).begin, end, "");
        // Its volumes, where nobody else has them.
        const auto volumes = c_.yaml().child(service, "volumes");
        const auto top = c_.yaml().child(-1, "volumes");
        if (!volumes || !top) return;
        for (const int i : c_.yaml().children(*volumes)) {
            const auto value = yaml_unquoted(line(i).value);
            const auto name = value.substr(0, value.find(':'));
            const auto declared = c_.yaml().child(*top, name);
            if (!declared || used_elsewhere(name, service)) continue;
            remove(*declared);
            group_.note(
                file_, line(*top).begin,
                fmt::format("the volume {} held Ollama's models: no service has it now", name),
                fmt::format("docker volume rm <project>_{}", name));
        }
    }

    bool used_elsewhere(std::string_view name, int service) const {
        for (const int other : c_.services()) {
            const auto volumes =
                other == service ? std::nullopt : c_.yaml().child(other, "volumes");
            if (volumes && block(*volumes).find(std::string(name) + ":") != std::string_view::npos)
                return true;
        }
        return false;
    }

    void segue(int service) {
        if (const auto environment = c_.yaml().child(service, "environment"))
            for (const int i : c_.yaml().children(*environment))
                if (name_of(i) == "AI_BACKEND" || name_of(i) == "OLLAMA_URL") remove(i);
    }

    /// The tag beside the id in --served-model-name: clients ask for the id from now on.
    void served_names(int service) {
        const auto command = c_.yaml().child(service, "command");
        if (!command) return;
        const auto value = line(*command).value;
        constexpr std::string_view kFlag = "\"--served-model-name\", ";
        const auto flag = value.find(kFlag);
        if (flag == value.npos) return;
        const auto first = value.find(", ", flag + kFlag.size());
        if (first == value.npos) return;
        const auto second = value.find_first_of(",]", first + 2);
        if (second == value.npos) return;
        const auto name = yaml_unquoted(value.substr(first + 2, second - first - 2));
        if (!audit::is_tag(name) && !audit::is_bare_family(name)) return;
        group_.edit(file_, line(*command).value_at + first, line(*command).value_at + second, "",
                    107);
    }

    void client(int service) {
        if (const auto wait = c_.yaml().child(service, "depends_on")) depends(*wait);
        const auto environment = c_.yaml().child(service, "environment");
        if (!environment) return;
        const auto below = c_.yaml().children(*environment);
        for (const int i : below) {
            const auto name = name_of(i);
            if (name == "AI_BACKEND") {
                remove(i);
                continue;
            }
            for (const int old : below) {
                if (dual_name(name_of(old)) != name) continue;
                // As dual wrote it: the old line stays, and leads to Segue.
                const auto text = block(i);
                if (text.find("${" + std::string(name) + ":-}") != text.npos) {
                    remove(i);
                } else if (text.find("${" + std::string(name) + ":-http://segue:8484}") !=
                           text.npos) {
                    remove(i);
                    to_segue(old);
                } else {
                    remove(old);
                }
            }
        }
    }

    void to_segue(int i) {
        const auto text = block(i);
        for (const auto& server : tree_.servers) {
            const auto at = text.find("://" + server + ":11434");
            if (at == text.npos) continue;
            const auto begin = line(i).begin + at + 3;
            group_.edit(file_, begin, begin + server.size() + 6, "segue:8484", 104);
        }
    }

    void depends(int wait) {
        const auto below = c_.yaml().children(wait);
        const auto instead = [&](std::size_t begin, std::size_t end) {
            group_.edit(file_, begin, end, "segue");
        };
        if (below.empty()) {  // [ollama, db]
            const auto value = line(wait).value;
            for (const auto& server : tree_.servers)
                for (auto at = value.find(server); at != value.npos;
                     at = value.find(server, at + 1)) {
                    const auto end = at + server.size();
                    const auto bounded = [&](std::size_t i) {
                        return std::string_view("[], \"'").find(value[i]) != std::string_view::npos;
                    };
                    if (at > 0 && bounded(at - 1) && end < value.size() && bounded(end))
                        instead(line(wait).value_at + at, line(wait).value_at + end);
                }
            return;
        }
        for (const int i : below) {
            const bool item = line(i).key.empty();
            const auto name = item ? yaml_unquoted(line(i).value) : line(i).key;
            if (tree_.helpers.contains(std::string(name))) {
                remove(i);
            } else if (tree_.servers.contains(std::string(name))) {
                const auto at = file_.text.find(name, line(i).begin);
                instead(at, at + name.size());
            }
        }
    }

    const ComposeTree& tree_;
    const ComposeFile& c_;
    const File& file_;
    Group group_;
};

/// Dual's Segue stands in it.
bool went_over(const ComposeFile& compose) {
    for (const int service : compose.services())
        if (compose.line(service).key == "segue") {
            const auto begin = compose.line(service).begin;
            const auto block = std::string_view(compose.file().text)
                                   .substr(begin, compose.yaml().block_end(service) - begin);
            return block.find("AI_BACKEND") != block.npos &&
                   block.find("VLLM_ENDPOINT") != block.npos;
        }
    return false;
}

}  // namespace

std::string written_by_people(const File& file) {
    if (file.form.code || file.text == file.original) return file.original;
    File before = file;
    before.text = file.original;
    if (!went_over(ComposeFile(before))) return file.text;
    const ComposeFile compose(file);
    std::string out;
    std::size_t from = 0;
    for (const int service : compose.services()) {
        const auto& line = compose.line(service);
        const auto image = compose.yaml().child(service, "image");
        const bool vllm =
            image && compose.line(*image).value.find("vllm/vllm-openai") != std::string_view::npos;
        if (line.key != "segue" && !vllm) continue;
        out += file.text.substr(from, line.begin - from);
        from = compose.yaml().block_end(service);
    }
    return out + file.text.substr(from);
}

Groups leave_dual(const Workspace& workspace, const Context& context) {
    Group all;
    all.rule = 120;
    all.what = "what dual wrote";
    const auto take = [&](Group group) {
        all.edits.insert(all.edits.end(), group.edits.begin(), group.edits.end());
        all.notes.insert(all.notes.end(), group.notes.begin(), group.notes.end());
    };
    std::set<std::string> modules;
    bool stays = false;  // a user of a module keeps it
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || !file.form.code) continue;
        if (is_dual_module(file)) {
            modules.insert(path);
            continue;
        }
        const bool python = file.language() == Language::kPython &&
                            file.text.find("ai_client.") != std::string::npos &&
                            file.text.find("import ai_client") != std::string::npos;
        const bool script = script::is_script(file.language()) &&
                            file.text.find("aiClient.") != std::string::npos &&
                            file.text.find("ai-client") != std::string::npos;
        if (!python && !script) continue;
        Users users(file);
        if (python ? users.python() : users.script()) {
            take(users.take());
        } else {
            stays = true;
            all.note(file, users.where(), "dual's module stays: this file " + users.why(),
                     "put the value there by hand, then run final again");
        }
    }
    if (!modules.empty() && !stays) all.removals.assign(modules.begin(), modules.end());
    for (const auto& [path, file] : workspace.files) {
        if (file.removed) continue;
        const auto name = std::string_view(path).substr(path.rfind('/') + 1);
        if (name == "segue-audit.yaml" && file.text.starts_with(kDualPolicyHead) &&
            file.text.find("\n  - rules:", file.text.find("\n  - rules:") + 1) == std::string::npos)
            all.removals.push_back(path);
        else if (name == "segue-audit.yaml" && file.text.find(kDualReason) != std::string::npos)
            all.note(file, file.text.find(kDualReason), "dual's allowance is over",
                     "take this entry out");
        if (file.editable() && file.language() == Language::kEnv &&
            file.text.find(kDualEnvironmentHead) != std::string::npos)
            environment(file, all);
    }
    const ComposeTree tree(workspace, context);
    for (const auto& compose : tree.files)
        if (went_over(compose)) take(LeaveCompose(tree, compose).run());
    Groups groups;
    groups.push_back(std::move(all));
    return groups;
}

}  // namespace segue::rewrite
