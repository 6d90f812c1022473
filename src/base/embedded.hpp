/// Files that lie inside the program (cmake/embed.cmake): its API's description, its own
/// documentation, the web page. Thread: any. The views live as long as the program.
#pragma once

#include <span>
#include <string_view>

namespace segue {

struct EmbeddedFile {
    std::string_view name;  // "openapi.json", "docs/operations.md"
    std::string_view bytes;
};

}  // namespace segue
