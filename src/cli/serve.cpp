#include <iostream>

#include "cli/commands.hpp"
#include "serve/daemon.hpp"

namespace segue::cli {

int serve_command(const ServeArguments& arguments, Console& console) {
    using Start = serve::ServeOptions::Start;
    const auto served = serve::serve({arguments.flags, console.environment, arguments.port_file,
                                      arguments.takeover ? Start::kTakeover : Start::kAlone},
                                     console.out);
    return served ? kFine : report(console, served.error());
}

}  // namespace segue::cli
