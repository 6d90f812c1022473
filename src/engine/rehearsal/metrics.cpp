#include "engine/rehearsal/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace segue::engine::rehearsal {
namespace {

constexpr std::array kSeconds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25,
                              0.5,   0.75,  1.0,  2.5,  5.0,  7.5,  10.0, 20.0, 40.0};
constexpr std::array kTokens{1.0,   2.0,   5.0,    10.0,   20.0,   50.0,   100.0,
                             200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0};
constexpr std::string_view kCreated = "1.7954265465145702e+09";

/// "1.0" as Python prints a float.
std::string number(double value) {
    std::string out = fmt::format("{}", value);
    if (out.find_first_of(".en") == std::string::npos) out += ".0";
    return out;
}

class Page {
public:
    explicit Page(std::string_view model)
        : labels_(fmt::format("engine=\"0\",model_name=\"{}\"", model)) {}

    void head(std::string_view name, std::string_view type) {
        fmt::format_to(std::back_inserter(out_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name,
                       "Rehearsal engine; no model runs here.", type);
    }
    void line(std::string_view name, std::string_view more, double value) {
        fmt::format_to(std::back_inserter(out_), "{}{{{}{}{}}} {}\n", name, labels_,
                       more.empty() ? "" : ",", more, number(value));
    }
    void gauge(std::string_view name, double value) {
        head(name, "gauge");
        line(name, "", value);
    }
    void counter(std::string_view name, double value) {
        head(fmt::format("{}_total", name), "counter");
        line(fmt::format("{}_total", name), "", value);
        created(name, "");
    }
    void created(std::string_view name, std::string_view more) {
        fmt::format_to(std::back_inserter(out_), "{}_created{{{}{}{}}} {}\n", name, labels_,
                       more.empty() ? "" : ",", more, kCreated);
    }
    void histogram(std::string_view name, const Histogram& histogram) {
        head(name, "histogram");
        histogram.write(name, labels_, out_);
        created(name, "");
    }
    std::string take() { return std::move(out_); }

private:
    std::string labels_;
    std::string out_;
};

}  // namespace

void Histogram::observe(double value) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket])
        ++bucket;
    ++counts_[bucket];
    ++count_;
    sum_ += value;
}

void Histogram::write(std::string_view name, std::string_view labels, std::string& out) const {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        below += counts_[i];
        fmt::format_to(std::back_inserter(out), "{}_bucket{{{},le=\"{}\"}} {}\n", name, labels,
                       i < bounds_.size() ? number(bounds_[i]) : "+Inf",
                       number(static_cast<double>(below)));
    }
    fmt::format_to(std::back_inserter(out), "{0}_count{{{1}}} {2}\n{0}_sum{{{1}}} {3}\n", name,
                   labels, number(static_cast<double>(count_)), number(sum_));
}

EngineMetrics::EngineMetrics()
    : time_to_first_token(kSeconds),
      inter_token_latency(kSeconds),
      e2e_latency(kSeconds),
      queue_time(kSeconds),
      prefill_time(kSeconds),
      decode_time(kSeconds),
      request_prompt_tokens(kTokens),
      request_generation_tokens(kTokens) {
}

std::string write_vllm_metrics(const EngineMetrics& metrics, const EngineLoad& load) {
    Page page(load.model);
    const auto count = [](auto value) { return static_cast<double>(value); };
    page.gauge("vllm:num_requests_running", count(load.running));
    page.gauge("vllm:num_requests_waiting", count(load.waiting));
    page.head("vllm:num_requests_waiting_by_reason", "gauge");
    page.line("vllm:num_requests_waiting_by_reason", "reason=\"capacity\"", count(load.waiting));
    page.line("vllm:num_requests_waiting_by_reason", "reason=\"deferred\"", 0);
    page.head("vllm:engine_sleep_state", "gauge");
    page.line("vllm:engine_sleep_state", "sleep_state=\"awake\"", load.sleep_level == 0 ? 1 : 0);
    page.line("vllm:engine_sleep_state", "sleep_state=\"weights_offloaded\"",
              load.sleep_level == 1 ? 1 : 0);
    page.line("vllm:engine_sleep_state", "sleep_state=\"discard_all\"",
              load.sleep_level == 2 ? 1 : 0);
    page.gauge("vllm:kv_cache_usage_perc", load.cache_usage);
    page.head("vllm:cache_config_info", "gauge");
    page.line("vllm:cache_config_info",
              fmt::format("block_size=\"16\",num_gpu_blocks=\"{}\"", load.cache_blocks), 1);
    for (std::string_view name :
         {"vllm:prefix_cache_queries", "vllm:prefix_cache_hits",
          "vllm:external_prefix_cache_queries", "vllm:external_prefix_cache_hits",
          "vllm:mm_cache_queries", "vllm:mm_cache_hits", "vllm:num_preemptions"}) {
        page.counter(name, name == "vllm:prefix_cache_queries" ? count(metrics.prompt_tokens) : 0);
    }
    page.counter("vllm:prompt_tokens", count(metrics.prompt_tokens));
    page.counter("vllm:prompt_tokens_cached", 0);
    page.counter("vllm:generation_tokens", count(metrics.generation_tokens));
    page.head("vllm:request_success_total", "counter");
    const auto finished = [&](std::string_view reason, std::uint64_t value) {
        page.line("vllm:request_success_total", fmt::format("finished_reason=\"{}\"", reason),
                  count(value));
        page.created("vllm:request_success", fmt::format("finished_reason=\"{}\"", reason));
    };
    finished("stop", metrics.stopped);
    finished("length", metrics.cut);
    // A request whose client left is not counted here by vLLM, either (wire 2.2).
    finished("abort", 0);
    finished("error", metrics.failed);
    finished("repetition", 0);
    page.head("vllm:admission_rejections_total", "counter");
    page.line("vllm:admission_rejections_total", "reason=\"max_num_queued_reqs\"",
              count(metrics.refused));
    page.histogram("vllm:request_prompt_tokens", metrics.request_prompt_tokens);
    page.histogram("vllm:request_generation_tokens", metrics.request_generation_tokens);
    page.histogram("vllm:time_to_first_token_seconds", metrics.time_to_first_token);
    page.histogram("vllm:inter_token_latency_seconds", metrics.inter_token_latency);
    page.histogram("vllm:request_time_per_output_token_seconds", metrics.inter_token_latency);
    page.histogram("vllm:e2e_request_latency_seconds", metrics.e2e_latency);
    page.histogram("vllm:request_queue_time_seconds", metrics.queue_time);
    page.histogram("vllm:request_inference_time_seconds", metrics.e2e_latency);
    page.histogram("vllm:request_prefill_time_seconds", metrics.prefill_time);
    page.histogram("vllm:request_decode_time_seconds", metrics.decode_time);
    return page.take();
}

}  // namespace segue::engine::rehearsal
