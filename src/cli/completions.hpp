/// Shell completion scripts, written from the command table itself.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace segue::cli {

/// `shell` is bash, zsh or fish.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace segue::cli
