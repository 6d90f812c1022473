/// What a rehearsal engine counts of itself, and vLLM's way of writing it down (wire 2.7). One
/// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace segue::engine::rehearsal {

class Histogram {
public:
    explicit Histogram(std::span<const double> bounds)
        : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {}
    void observe(double value);
    /// `labels` without braces: `engine="0",model_name="m"`.
    void write(std::string_view name, std::string_view labels, std::string& out) const;

private:
    std::vector<double> bounds_;
    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    double sum_ = 0;
};

struct EngineMetrics {
    EngineMetrics();
    std::uint64_t requests = 0;  // received, of any kind
    std::uint64_t stopped = 0;   // finished_reason stop
    std::uint64_t cut = 0;       // finished_reason length
    std::uint64_t failed = 0;    // by a fault
    std::uint64_t aborted = 0;   // the client left
    std::uint64_t refused = 0;   // the queue was full
    std::int64_t prompt_tokens = 0;
    std::int64_t generation_tokens = 0;
    std::int64_t cached_tokens = 0;  // the KV cache's tokens of running requests
    Histogram time_to_first_token;
    Histogram inter_token_latency;
    Histogram e2e_latency;
    Histogram queue_time;
    Histogram prefill_time;
    Histogram decode_time;
    Histogram request_prompt_tokens;
    Histogram request_generation_tokens;
};

/// What /metrics needs beyond the counters.
struct EngineLoad {
    std::size_t running = 0;
    std::size_t waiting = 0;
    double cache_usage = 0;  // 0 to 1
    std::int64_t cache_blocks = 0;
    int sleep_level = 0;  // 0 awake
    std::string model;
};
/// Prometheus text as vLLM 0.32 writes it, the `_created` twins included.
std::string write_vllm_metrics(const EngineMetrics& metrics, const EngineLoad& load);

}  // namespace segue::engine::rehearsal
