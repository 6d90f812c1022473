/// The command line: the table of subcommands. main() is one call of run().
#pragma once

namespace segue::cli {

/// Answers the exit code.
int run(int argc, char** argv);

}  // namespace segue::cli
