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
/// One of that list.
std::string engine_json(const engine::Engine& engine, const Clock& clock,
                        const gateway::AdmissionTable* admissions);
/// What became of it lately, newest first.
std::string engine_log_json(const engine::Engine& engine, const Clock& clock);
std::string models_json(const engine::Registry& registry);

}  // namespace segue::serve
