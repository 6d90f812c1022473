/// What the tables of flags (app.cpp, rag_flags.cpp) share.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "cli/commands.hpp"

namespace segue::cli {

/// What the chosen subcommand does.
using Action = std::function<int(Console&)>;

inline std::string examples(std::initializer_list<std::string_view> lines) {
    std::string text = "\nexamples:\n";
    for (const auto line : lines)
        text.append("  ").append(line).append("\n");
    return text;
}

inline void add_config_flag(CLI::App& command, serve::Flags& flags) {
    command.add_option("-c,--config", flags.config_file,
                       "configuration file (default: ./segue.yaml, if it is there)");
}

}  // namespace segue::cli
