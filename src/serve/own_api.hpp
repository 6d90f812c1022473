/// Segue's own HTTP API: /livez, /readyz, /metrics, /segue/v1/*; and the web page under /ui/.
#pragma once

#include <atomic>
#include <string>

#include "gateway/gateway.hpp"

namespace segue::serve {

/// Thread: answers on any worker; reads snapshots only.
class OwnApiRoutes final : public gateway::OwnApi {
public:
    /// Set once, before the first request.
    void attach(gateway::Gateway& gateway) { gateway_ = &gateway; }
    void begin_draining() { draining_.store(true, std::memory_order_relaxed); }

    gateway::LocalAnswer answer(const net::RequestHead& head, std::string_view body) override;
    /// Liveness, readiness and the page itself are open; the rest wants a key when keys are
    /// configured.
    bool guarded(std::string_view path) const override;

private:
    gateway::LocalAnswer ready() const;
    gateway::Gateway* gateway_ = nullptr;
    std::atomic<bool> draining_{false};
};

/// A look from outside knows nothing of how requests fared: no breaker, nothing in flight.
enum class SeenFrom : std::uint8_t { kGateway, kOutside };
/// The engines as /segue/v1/engines and `segue engines --json` show them.
/// `admissions` null: not a running gateway, or no limits.
std::string engines_json(const engine::Registry& registry, const Clock& clock, SeenFrom seen_from,
                         const gateway::AdmissionTable* admissions);
/// RFC 9457 problem details.
gateway::LocalAnswer problem(int status, std::string_view title, std::string_view detail);

}  // namespace segue::serve
