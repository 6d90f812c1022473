/// The OpenAPI document of Segue's own API.
#pragma once

#include <string_view>

namespace segue::serve {
std::string_view openapi_document();
}  // namespace segue::serve
