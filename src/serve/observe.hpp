/// Brings the gateway's records of finished requests into the store's log of observations.
///
/// Thread: any worker.
#pragma once

#include "gateway/gateway.hpp"
#include "telemetry/observation_log.hpp"

namespace segue::serve {

class Observer final : public gateway::RecordSink {
public:
    explicit Observer(store::Pool& pool) : log_(pool) {}
    /// Only requests that are about a model: lists and health checks say nothing of engines.
    void take(const gateway::RequestRecord& record) override;
    telemetry::ObservationLog& log() { return log_; }

private:
    telemetry::ObservationLog log_;
};

}  // namespace segue::serve
