#include "telemetry/metrics.hpp"

#include <gtest/gtest.h>

namespace segue::telemetry {
namespace {

constexpr MetricInfo kRequests{"segue_requests_total", MetricKind::kCounter, "Requests."};
constexpr double kBounds[] = {0.1, 1};
constexpr MetricInfo kLatency{"latency_seconds", MetricKind::kHistogram, "Latency.", kBounds};
constexpr MetricInfo kUp{"up", MetricKind::kGauge, "Up."};

TEST(Metrics, AddsShardsUp) {
    Metrics metrics;
    Shard& a = metrics.make_shard();
    Shard& b = metrics.make_shard();
    a.add(kRequests, {{"front", "ollama"}});
    b.add(kRequests, {{"front", "ollama"}}, 2);
    b.add(kRequests, {{"front", "a\"b\\\n"}});
    a.observe(kLatency, {}, 0.05);
    b.observe(kLatency, {}, 0.5);
    b.observe(kLatency, {}, 5);
    metrics.on_scrape([](const Metrics::Emit& emit) { emit(kUp, {{"engine", "x"}}, 1); });
    EXPECT_EQ(
        metrics.render(),
        "# HELP latency_seconds Latency.\n# TYPE latency_seconds histogram\n"
        "latency_seconds_bucket{le=\"0.1\"} 1\nlatency_seconds_bucket{le=\"1\"} 2\n"
        "latency_seconds_bucket{le=\"+Inf\"} 3\nlatency_seconds_sum 5.55\nlatency_seconds_count 3\n"
        "# HELP segue_requests_total Requests.\n# TYPE segue_requests_total counter\n"
        "segue_requests_total{front=\"a\\\"b\\\\\\n\"} 1\nsegue_requests_total{front=\"ollama\"} "
        "3\n"
        "# HELP up Up.\n# TYPE up gauge\nup{engine=\"x\"} 1\n");
}

}  // namespace
}  // namespace segue::telemetry
