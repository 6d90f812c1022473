#include "cli/completions.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/text.hpp"

namespace segue::cli {
namespace {

struct Command {
    std::string path;  // "segue config check"
    std::string name;
    std::string about;
    std::vector<std::string> words;  // subcommands and long flags
};

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
    Command command{path, app.get_name(), app.get_description(), {}};
    const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
    for (const auto* sub : subcommands)
        command.words.push_back(sub->get_name());
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames())
            command.words.push_back("--" + name);
    if (app.get_name() != "segue") command.words.emplace_back("--json");
    commands.push_back(std::move(command));
    for (const auto* sub : subcommands)
        collect(*sub, path + " " + sub->get_name(), commands);
}

/// zsh reads bash's script through its own compatibility layer.
std::string bash(const std::vector<Command>& commands) {
    std::string cases;
    for (const auto& command : commands)
        cases += fmt::format("        \"{}\") words=\"{}\" ;;\n", command.path,
                             join(command.words, " "));
    return "_segue() {\n    local path=segue word words i\n    for ((i = 1; i < COMP_CWORD; i++)); "
           "do\n"
           "        word=${COMP_WORDS[i]}\n        [[ $word == -* ]] || path=\"$path $word\"\n    "
           "done\n"
           "    case \"$path\" in\n" +
           cases +
           "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
           "    [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "
           "\"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
           "complete -F _segue segue\n";
}

std::string fish(const std::vector<Command>& commands) {
    std::string out = "complete -c segue -f\n";
    for (const auto& command : commands) {
        const auto parts = split(command.path, ' ');
        std::string condition = parts.size() == 1 ? "__fish_use_subcommand" : "";
        for (std::size_t i = 1; i < parts.size(); ++i)
            condition +=
                fmt::format("{}__fish_seen_subcommand_from {}", i > 1 ? "; and " : "", parts[i]);
        for (const auto& word : command.words)
            out += word.starts_with("--")
                       ? fmt::format("complete -c segue -n '{}' -l {}\n", condition, word.substr(2))
                       : fmt::format("complete -c segue -n '{}' -a {}\n", condition, word);
    }
    return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
    std::vector<Command> commands;
    collect(app, "segue", commands);
    if (shell == "fish") return fish(commands);
    return (shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "") + bash(commands);
}

}  // namespace segue::cli
