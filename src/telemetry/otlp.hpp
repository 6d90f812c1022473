/// OTLP: where spans go and which are taken, from OpenTelemetry's own variables, and the JSON
/// encoding of spans. Pure: the exporter (span_exporter.hpp) sends.
///
/// JSON and not protobuf: both are OTLP's own encodings of the same messages, every collector takes
/// either at the same path, and JSON needs no generated code and no library beyond the writer that
/// is here anyway. The larger body costs nothing on the request path, where it is not made.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/settings.hpp"
#include "net/client.hpp"
#include "telemetry/span.hpp"

namespace segue::telemetry {

/// Which traces are taken. Decided once, where a trace enters; equal ids get equal answers, also in
/// other programs.
struct Sampler {
    enum class Root : std::uint8_t { kAlways, kNever, kRatio } root = Root::kAlways;
    double ratio = 1;
    bool parent_decides = true;  // a caller that has decided is followed

    bool takes(std::string_view trace_id, std::optional<bool> parent_sampled) const;
};

struct TracingConfig {
    net::Origin origin;  // without the path
    std::string path = "/v1/traces";
    std::vector<std::pair<std::string, std::string>> headers;  // may hold a secret: never shown
    std::string ca_file;
    std::chrono::milliseconds timeout{10'000};  // of one request
    Sampler sampler;
    std::vector<std::pair<std::string, std::string>> resource;  // service.name and the like
    std::size_t max_queue = 2048;                               // in traced requests
    std::size_t max_batch = 512;
    std::chrono::milliseconds delay{5'000};  // longest wait of a span before it is sent
};

/// Nothing where OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT are unset, or
/// tracing is switched off; a value that makes no sense is an issue.
std::optional<TracingConfig> read_tracing(const Environment& environment,
                                          std::vector<SettingIssue>& issues);

/// The body of one export request.
std::string otlp_json(const TracingConfig& config, std::span<const Span> spans);

}  // namespace segue::telemetry
