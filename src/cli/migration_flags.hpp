/// The flags of the commands about a code base: audit, rewrite, evidence.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/flags.hpp"

namespace segue::cli {

struct MigrationArguments {
    AuditArguments audit;
    RewriteArguments rewrite;
    EvidenceArguments evidence;
};

/// Sets `action` when one of them is chosen; both must live as long as `app`.
void add_migration(CLI::App& app, MigrationArguments& arguments, Action& action);

}  // namespace segue::cli
