/// Engines and models as Segue's own API and `segue engines --json` show them.
///
/// Thread: any; reads snapshots only.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/gateway.hpp"

namespace segue::serve {

/// A look from outside knows nothing of how requests fared: no breaker, nothing in flight.
enum class SeenFrom : std::uint8_t { kGateway, kOutside };
/// `admissions` null: not a running gateway, or no limits.
std::string engines_json(const engine::Registry& registry, const Clock& clock, SeenFrom seen_from,
                         const gateway::AdmissionTable* admissions);
std::string models_json(const engine::Registry& registry);

}  // namespace segue::serve
