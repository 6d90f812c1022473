/// Every metric that the gateway counts: one table (docs/metrics.md is written from it).
/// OpenTelemetry's GenAI names, in Prometheus' spelling, where they exist; segue_* otherwise.
#pragma once

#include "telemetry/metrics.hpp"

namespace segue::gateway::metric {

using telemetry::MetricInfo;
using telemetry::MetricKind;

inline constexpr double kSeconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                      2.5,   5,      8,     10,   15,    30,   60,  120,  300};
inline constexpr double kTokenSeconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075,
                                           0.1,   0.15,   0.2,   0.3,  0.5,   1,    2.5};
inline constexpr double kTokens[] = {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576};

inline constexpr MetricInfo kRequests{
    "segue_requests_total", MetricKind::kCounter,
    "Requests answered, by front, endpoint, model, engine and status."};
inline constexpr MetricInfo kRequestSeconds{
    "gen_ai_server_request_duration_seconds", MetricKind::kHistogram,
    "Request read to last byte handed to the client's socket.", kSeconds};
inline constexpr MetricInfo kFirstTokenSeconds{
    "gen_ai_server_time_to_first_token_seconds", MetricKind::kHistogram,
    "Request read to the engine's first event.", kSeconds};
inline constexpr MetricInfo kTokenGapSeconds{
    "gen_ai_server_time_per_output_token_seconds", MetricKind::kHistogram,
    "Mean time of an output token after the first.", kTokenSeconds};
inline constexpr MetricInfo kTokenUsage{
    "gen_ai_client_token_usage", MetricKind::kHistogram,
    "Tokens of a request, by gen_ai_token_type (input, output).", kTokens};
inline constexpr MetricInfo kAttempts{"segue_attempts_total", MetricKind::kCounter,
                                      "Attempts at engines, by engine and outcome."};
inline constexpr MetricInfo kFailovers{
    "segue_failovers_total", MetricKind::kCounter,
    "Requests moved to another target before their first event."};
inline constexpr MetricInfo kIgnored{
    "segue_ignored_fields_total", MetricKind::kCounter,
    "Request fields that the target could not express, by front and field."};
inline constexpr MetricInfo kAdjusted{
    "segue_adjusted_fields_total", MetricKind::kCounter,
    "Request fields that were changed to fit the target, by front and field."};
inline constexpr MetricInfo kUsageEstimated{"segue_usage_estimated_total", MetricKind::kCounter,
                                            "Answers whose token counts Segue counted itself."};
inline constexpr MetricInfo kClientGone{"segue_client_gone_total", MetricKind::kCounter,
                                        "Requests whose client left before the answer was whole."};
inline constexpr MetricInfo kKeyRequests{
    "segue_key_requests_total", MetricKind::kCounter,
    "Requests that showed a key, by its id and the answer's status."};
inline constexpr MetricInfo kKeyTokens{"segue_key_tokens_total", MetricKind::kCounter,
                                       "Tokens that a key used, by gen_ai_token_type."};
inline constexpr MetricInfo kKeyRefused{"segue_key_refused_total", MetricKind::kCounter,
                                        "Requests over a key's limit (requests, tokens, streams)."};
inline constexpr MetricInfo kQueueSeconds{
    "segue_queue_seconds", MetricKind::kHistogram,
    "Time in an engine's queue, of requests that had to wait.", kSeconds};
inline constexpr MetricInfo kAdmissionRefused{
    "segue_admission_refused_total", MetricKind::kCounter,
    "Requests refused because an engine was full (full, displaced, expired)."};
inline constexpr MetricInfo kAdmissionLimit{"segue_admission_limit", MetricKind::kGauge,
                                            "Requests that an engine gets at a time."};
inline constexpr MetricInfo kAdmissionInFlight{"segue_admission_in_flight", MetricKind::kGauge,
                                               "Requests that count against the limit."};
inline constexpr MetricInfo kAdmissionWaiting{"segue_admission_waiting", MetricKind::kGauge,
                                              "Requests in an engine's queue, by priority."};
inline constexpr MetricInfo kConnections{"segue_client_connections", MetricKind::kGauge,
                                         "Open client connections."};
inline constexpr MetricInfo kClientRefusals{
    "segue_client_refusals_total", MetricKind::kCounter,
    "Connections and requests that the listener ended by itself, by reason."};
inline constexpr MetricInfo kActive{"segue_active_requests", MetricKind::kGauge,
                                    "Requests under way."};
inline constexpr MetricInfo kEngineUp{"segue_engine_up", MetricKind::kGauge,
                                      "1 when the last probe found the engine well."};
inline constexpr MetricInfo kEngineDrained{"segue_engine_drained", MetricKind::kGauge,
                                           "1 while a person keeps new requests from it."};
inline constexpr MetricInfo kEngineEjected{"segue_engine_ejected", MetricKind::kGauge,
                                           "1 while failures of requests keep the engine aside."};
inline constexpr MetricInfo kEngineBreaker{
    "segue_engine_breaker_state", MetricKind::kGauge,
    "0 closed, 1 half-open (trial requests only), 2 open (put aside)."};
inline constexpr MetricInfo kEngineEjections{
    "segue_engine_ejections_total", MetricKind::kCounter,
    "Times that an engine was put aside, by the fault that did it."};
inline constexpr MetricInfo kEngineInFlight{"segue_engine_in_flight", MetricKind::kGauge,
                                            "Requests that Segue has under way at the engine."};
inline constexpr MetricInfo kEngineLoadAge{
    "segue_engine_load_age_seconds", MetricKind::kGauge,
    "Age of the engine's own load figures; absent: it tells none."};
inline constexpr MetricInfo kEngineLoadFresh{
    "segue_engine_load_fresh", MetricKind::kGauge,
    "1 while the engine's own load figures are fresh enough to balance by."};
inline constexpr MetricInfo kEngineProbeSeconds{"segue_engine_probe_seconds", MetricKind::kGauge,
                                                "Latency of the last health probe."};
inline constexpr MetricInfo kTraces{
    "segue_traces_total", MetricKind::kCounter,
    "Traced requests, by what became of their spans (exported, queue_full, failed)."};
inline constexpr MetricInfo kInfo{"segue_build_info", MetricKind::kGauge,
                                  "1, with the version as a label."};

}  // namespace segue::gateway::metric
