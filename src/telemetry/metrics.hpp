/// Counters, gauges and histograms in Prometheus' text format. Each worker writes to its own shard;
/// a scrape adds them up.
///
/// Thread: a Shard is written by one thread and read by the scraping one (a mutex that is hardly
/// ever contended).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace segue::telemetry {

enum class MetricKind : std::uint8_t { kCounter, kGauge, kHistogram };

/// What a metric is; one table names them all (gateway/metric_names.hpp).
struct MetricInfo {
    std::string_view name;
    MetricKind kind;
    std::string_view help;
    std::span<const double> buckets = {};  // upper bounds, ascending, without +Inf
};

/// Label names and values, in a fixed order for each metric.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// `{a="x",b="y"}`, values escaped; "" for none.
std::string render_labels(Labels labels);

class Shard {
public:
    void add(const MetricInfo& metric, Labels labels, double by = 1);
    void observe(const MetricInfo& metric, Labels labels, double value);

private:
    friend class Metrics;
    struct Series {
        double value = 0;  // counter, or the sum of a histogram
        std::uint64_t count = 0;
        std::vector<std::uint64_t> buckets;
    };
    struct Family {
        const MetricInfo* info = nullptr;
        std::map<std::string, Series, std::less<>> series;
    };
    /// A metric and its label values, each after its length: found without rendering the labels.
    struct Key {
        const MetricInfo* metric;
        std::string values;
    };
    struct KeyView {
        const MetricInfo* metric;
        std::string_view values;
    };
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(const KeyView& key) const {
            return std::hash<std::string_view>{}(key.values) ^
                   std::hash<const MetricInfo*>{}(key.metric);
        }
        std::size_t operator()(const Key& key) const {
            return (*this)(KeyView{key.metric, key.values});
        }
    };
    struct KeyEqual {
        using is_transparent = void;
        template <class A, class B>
        bool operator()(const A& a, const B& b) const {
            return a.metric == b.metric && std::string_view(a.values) == std::string_view(b.values);
        }
    };
    Series& series(const MetricInfo& metric, Labels labels);
    mutable std::mutex mutex_;
    std::map<std::string_view, Family> families_;  // by MetricInfo::name, which is a literal
    /// Into families_, whose nodes stay where they are. A series once made is never taken away.
    std::unordered_map<Key, Series*, KeyHash, KeyEqual> known_;
    /// Into known_, whose nodes stay too.
    struct Known {
        const Key* key = nullptr;
        Series* series = nullptr;
    };
    std::array<Known, 64> recent_{};
    std::string scratch_;
};

class Metrics {
public:
    /// Lives as long as the Metrics.
    Shard& make_shard();
    /// Called at each scrape: adds values that are not counted but looked up. `emit(metric, labels,
    /// value)`.
    using Emit = std::function<void(const MetricInfo&, Labels, double)>;
    void on_scrape(std::function<void(const Emit&)> collector);
    /// Prometheus text format 0.0.4.
    std::string render() const;

private:
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<std::function<void(const Emit&)>> collectors_;
};

}  // namespace segue::telemetry
