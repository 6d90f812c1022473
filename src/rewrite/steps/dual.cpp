// dual: the module that chooses the engine, both sets of names in the environment, both services in
// compose with Segue between, and the allowance for the audit.
#include <fmt/format.h>

#include <map>

#include "base/text.hpp"
#include "rewrite/code/dual.hpp"
#include "rewrite/core/node.hpp"
#include "rewrite/models.hpp"
#include "rewrite/script/script.hpp"
#include "rewrite/steps/compose_file.hpp"
#include "rewrite/steps/service_text.hpp"

namespace segue::rewrite {
namespace {

std::vector<const File*> users(const Workspace& workspace, std::string_view mark) {
    std::vector<const File*> out;
    for (const auto& [path, file] : workspace.files)
        if (file.editable() && file.form.code && !file.old_path.empty() &&
            file.text.find(mark) != std::string::npos &&
            file.original.find(mark) == std::string::npos)
            out.push_back(&file);
    return out;
}

}  // namespace

Groups dual_modules(const Workspace& workspace, const Context& context) {
    Groups groups;
    std::vector<std::string> allowed;
    std::map<std::string, std::string> made;
    for (const auto* const file : users(workspace, "ai_client."))
        if (file->language() == Language::kPython)
            made.emplace(python_module(workspace, file->path).path,
                         python_module_text(workspace, context));
    std::set<std::string> scripts;
    const auto script_users = users(workspace, "aiClient.");
    for (const auto* const file : script_users)
        scripts.insert(file->path);
    if (!scripts.empty()) {
        const auto module = script_module(workspace, scripts);
        made.emplace(module.path, script_module_text(workspace, context, module));
        for (const auto* const file : script_users) {
            if (file->text.find("* as aiClient") != std::string::npos ||
                file->text.find("const aiClient") != std::string::npos)
                continue;
            script::Parsed parsed;
            script::parse(*file, parsed);
            if (!parsed.tree) continue;
            const auto at = script::after_imports(root_of(*parsed.tree));
            const auto quote = script::quote_of(parsed.text);
            const auto* const end = script::semicolons(parsed.text) ? ";" : "";
            const auto specifier = script_specifier(*file, module);
            const auto line =
                module.esm
                    ? fmt::format("import * as aiClient from {0}{1}{0}{2}", quote, specifier, end)
                    : fmt::format("const aiClient = require({0}{1}{0}){2}", quote, specifier, end);
            // Before everything in a script without imports: behind its opening tag.
            auto place = at;
            if (place == 0 && file->language() == Language::kVue)
                place = line_end(file->text, file->text.find("<script")) - 1;
            Group group;
            group.rule = 101;
            group.what = "the module in " + file->path;
            group.edit(*file, place, place, place == 0 ? line + "\n" : "\n" + line, 101);
            if (parsed.text.find("import.meta.env") != std::string::npos)
                group.note(*file, place, "code for the browser: process.env is not there",
                           "hand the address to the page by its own backend");
            groups.push_back(std::move(group));
        }
    }
    for (auto& [path, text] : made) {
        if (workspace.files.contains(path)) continue;
        Group group;
        group.rule = 120;
        group.what = path;
        group.files.emplace_back(path, text);
        groups.push_back(std::move(group));
        allowed.push_back(path);
    }
    if (allowed.empty()) return groups;
    for (const auto& [path, file] : workspace.files)
        if (file.language() == Language::kEnv || file.form.compose) allowed.push_back(path);
    Group policy;
    policy.rule = 120;
    policy.what = "segue-audit.yaml";
    if (const auto at = workspace.files.find("segue-audit.yaml"); at != workspace.files.end())
        policy.note(at->second, 0, "allow both engines for the time of the move",
                    dual_policy(context, allowed), 120);
    else
        policy.files.emplace_back("segue-audit.yaml", dual_policy(context, allowed));
    groups.push_back(std::move(policy));
    return groups;
}

Groups dual_environment(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kEnv) continue;
        if (file.text.find("AI_BACKEND") != std::string::npos) continue;
        const std::string_view text = file.text;
        Group group;
        group.rule = 105;
        group.what = "both sets of names in " + path;
        std::string add;
        std::set<std::string> told;
        std::size_t last = 0;
        for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
            const auto line = line_around(text, at);
            const auto equals = line.find('=');
            if (equals == line.npos) continue;
            const auto fresh = dual_name(trim(line.substr(0, equals)));
            if (fresh.empty()) continue;
            last = line_end(text, at);
            if (!told.insert(fresh).second) continue;
            const auto known = model_for(trim(line.substr(equals + 1)), context.settings.models);
            add += fresh + "=" + (fresh.ends_with("MODEL") && known ? known->id : "") + "\n";
        }
        if (told.empty()) continue;
        const std::string lead = last > 0 && text[last - 1] != '\n' ? "\n" : "";
        group.edit(file, last, last,
                   lead + std::string(kDualEnvironmentHead) +
                       " ollama, vllm, or auto. For vLLM the names below "
                       "count first, "
                       "then those above.\nAI_BACKEND=auto\n" +
                       add + "VLLM_API_KEY=\n");
        groups.push_back(std::move(group));
    }
    ComposeTree tree(workspace, context);
    if (tree.home.empty()) return groups;
    Group group;
    group.rule = 114;
    group.what = "both engines in compose";
    for (const auto& compose : tree.files) {
        const auto& file = compose.file();
        for (const int service : compose.services()) {
            const auto name = std::string(compose.line(service).key);
            if (tree.servers.contains(name) || tree.helpers.contains(name)) continue;
            const auto environment = compose.yaml().child(service, "environment");
            if (!environment || file.text
                                        .substr(compose.line(*environment).begin,
                                                compose.yaml().block_end(*environment) -
                                                    compose.line(*environment).begin)
                                        .find("AI_BACKEND") != std::string::npos)
                continue;
            const auto below = compose.yaml().children(*environment);
            std::string add;
            std::set<std::string> told;
            bool speaks = false;
            for (const int i : below) {
                const auto& line = compose.line(i);
                const auto whole = line.item ? yaml_unquoted(line.value) : line.key;
                const auto fresh = dual_name(whole.substr(0, whole.find('=')));
                if (fresh.empty() || !told.insert(fresh).second) continue;
                speaks = true;
                const std::string value = fresh == "VLLM_ENDPOINT" ? "http://segue:8484" : "";
                add += std::string(line.indent, ' ') +
                       (line.item ? "- " + fresh + "=${" + fresh + ":-" + value + "}\n"
                                  : fresh + ": ${" + fresh + ":-" + value + "}\n");
            }
            if (!speaks) continue;
            const auto indent = std::string(compose.line(below.front()).indent, ' ');
            const bool item = compose.line(below.front()).item;
            add += indent + (item ? "- AI_BACKEND=${AI_BACKEND:-auto}\n"
                                  : "AI_BACKEND: ${AI_BACKEND:-auto}\n");
            const auto at = compose.yaml().block_end(*environment);
            group.edit(file, at, at, (file.text[at - 1] == '\n' ? "" : "\n") + add, 105);
        }
        if (file.path != tree.home) continue;
        int last = -1;
        for (const int service : compose.services())
            if (tree.servers.contains(std::string(compose.line(service).key))) last = service;
        if (last < 0 || tree.models.empty()) continue;
        const auto old = std::string(compose.line(last).key);
        const auto indent = compose.line(last).indent;
        const auto& model = tree.models.front();
        const auto id = model.id.empty() ? std::string("${VLLM_MODEL:?the model to serve}")
                                         : "${VLLM_MODEL:-" + model.id + "}";
        SegueService segue;
        segue.environment = {{"AI_BACKEND", "${AI_BACKEND:-auto}"},
                             {"OLLAMA_URL", "http://" + old + ":11434"},
                             {"VLLM_ENDPOINT", "http://vllm:" + context.port}};
        const auto add =
            "\n" +
            vllm_service({"vllm",
                          fmt::format("[\"--model\", \"{0}\", \"--served-model-name\", \"{0}\", "
                                      "\"{1}\", \"--max-model-len\", \"8192\", \"--port\", "
                                      "\"{2}\"]",
                                      id, model.tag, context.port),
                          "vllm_models", context.port},
                         indent) +
            "\n" + segue_service(segue, indent);
        const auto at = compose.yaml().block_end(last);
        group.edit(file, at, at, (file.text[at - 1] == '\n' ? "" : "\n") + add);
        if (const auto volumes = compose.yaml().child(-1, "volumes"))
            group.edit(file, compose.line(*volumes).end, compose.line(*volumes).end,
                       std::string(indent, ' ') + "vllm_models:\n");
        else
            group.edit(file, file.text.size(), file.text.size(),
                       std::string(file.text.ends_with('\n') ? "" : "\n") + "\nvolumes:\n" +
                           std::string(indent, ' ') + "vllm_models:\n");
    }
    groups.push_back(std::move(group));
    return groups;
}

}  // namespace segue::rewrite
