#include "serve/openapi.hpp"

#include <string>

#include "base/embedded.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace segue::embedded {
std::span<const EmbeddedFile> api_description();
}

namespace segue::serve {

std::string_view openapi_document() {
    // Read as it lies in the source tree, with room between the lines; sent without.
    static const std::string text = json::minify(
        replace_all(embedded::api_description().front().bytes, "@SEGUE_VERSION@", SEGUE_VERSION));
    return text;
}

}  // namespace segue::serve
