/// The configuration in force as a list of names and values, with where each comes from: what the
/// settings page shows. Secrets are masked.
///
/// Thread: pure.
#pragma once

#include <string>

#include "base/settings.hpp"
#include "serve/config.hpp"

namespace segue::serve {

/// Schema Settings of openapi.json.
std::string settings_json(const Config& config, const Environment& environment);

}  // namespace segue::serve
