/// Sends spans to a collector from a thread of its own. Requests only hand over what they know:
/// nothing of this waits on their way, and when the collector is slow or gone, spans are lost and
/// counted, not requests.
///
/// Thread: push() and counts() from any; the rest belongs to the thread that started it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "telemetry/otlp.hpp"
#include "telemetry/span.hpp"

namespace segue::telemetry {

class SpanExporter {
public:
    /// What became of what was pushed, in sources (requests), not in spans.
    struct Counts {
        std::uint64_t exported = 0;
        std::uint64_t queue_full = 0;  // came faster than it could be sent
        std::uint64_t failed = 0;      // the collector refused it, or stayed away too long
    };

    static Result<std::unique_ptr<SpanExporter>> start(TracingConfig config);
    /// stop() with no time left.
    ~SpanExporter();
    SpanExporter(const SpanExporter&) = delete;
    SpanExporter& operator=(const SpanExporter&) = delete;

    bool takes(std::string_view trace_id, std::optional<bool> parent_sampled) const;
    void push(std::unique_ptr<const SpanSource> source);
    Counts counts() const;
    /// Sends what is there, and ends; what could not be sent in `limit` is lost.
    void stop(std::chrono::milliseconds limit);

private:
    struct Impl;
    explicit SpanExporter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace segue::telemetry
