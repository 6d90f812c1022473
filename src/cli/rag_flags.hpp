/// The flags of `segue docs`, `segue search` and `segue rag`.
#pragma once

#include "cli/flags.hpp"
#include "cli/rag_commands.hpp"

namespace segue::cli {

void add_rag(CLI::App& app, RagArguments& arguments, Action& action);

}  // namespace segue::cli
