/// What tracing notes of one request, beside its record, and the spans that become of both. There
/// is one only for a request whose trace is taken: everywhere else a null pointer says "no".
///
/// Thread: one worker, until it is handed to the exporter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engine/registry.hpp"
#include "llm/bridge.hpp"
#include "telemetry/span.hpp"

namespace segue::gateway {

struct RequestRecord;

/// "stop", "length" …
std::string_view finish_name(llm::FinishReason reason);

class RequestTrace {
public:
    /// `parent_id` "": the trace begins here. `route` is a literal ("" = no route of ours).
    RequestTrace(std::string_view route, std::string_view parent_id, std::string_view state);

    /// The request wants an engine from now on.
    void wait(TimePoint now);
    /// It has one.
    void begin(const engine::Candidate& candidate, TimePoint now);
    /// The attempt's first call was written to a connection.
    void sent(TimePoint now);
    /// `failure` "" where the engine did its part.
    void end(const llm::Observation& seen, std::string_view failure, TimePoint now);
    /// The header for the engine: its spans become children of the attempt at hand.
    std::string traceparent(std::string_view trace_id) const;

private:
    friend class FinishedRequest;
    struct Attempt {
        std::string span_id;
        std::string engine;
        std::string served_model;
        std::string provider;
        std::string host;
        std::uint16_t port = 0;
        TimePoint asked{};
        TimePoint begun{};
        TimePoint ended{};
        std::optional<TimePoint> sent;
        llm::Observation seen;
        std::string failure;
    };
    std::string span_id_;
    std::string parent_id_;
    std::string state_;
    std::string_view route_;
    std::optional<TimePoint> waiting_;
    std::vector<Attempt> attempts_;
};

/// Takes the record of a request that is over; `wall` is the time of record.over.
std::unique_ptr<const telemetry::SpanSource> finished_request(RequestRecord record, WallTime wall);

}  // namespace segue::gateway
