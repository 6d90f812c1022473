#include "telemetry/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace segue::telemetry {
namespace {

void append_labels(Labels labels, std::string& out) {
    for (const auto& [name, value] : labels) {
        if (!out.empty()) out += ',';
        out.append(name).append("=\"");
        for (const char c : value) {
            if (c == '\\' || c == '"') out += '\\';
            if (c == '\n') {
                out += "\\n";
            } else {
                out += c;
            }
        }
        out += '"';
    }
}

std::string_view kind_name(MetricKind kind) {
    switch (kind) {
        case MetricKind::kCounter: return "counter";
        case MetricKind::kGauge: return "gauge";
        case MetricKind::kHistogram: return "histogram";
    }
    return "untyped";
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view more, double value) {
    out.append(name).append(suffix);
    if (!labels.empty() || !more.empty()) {
        out += '{';
        out.append(labels);
        if (!labels.empty() && !more.empty()) out += ',';
        out.append(more) += '}';
    }
    fmt::format_to(std::back_inserter(out), " {}\n", value);
}

}  // namespace

std::string render_labels(Labels labels) {
    std::string out;
    append_labels(labels, out);
    return out.empty() ? out : "{" + out + "}";
}

Shard::Series& Shard::series(const MetricInfo& metric, Labels labels) {
    std::size_t size = 0;
    for (const auto& [name, value] : labels)
        size += sizeof(std::uint32_t) + value.size();
    scratch_.resize(size);
    char* to = scratch_.data();
    for (const auto& [name, value] : labels) {
        const auto length = static_cast<std::uint32_t>(value.size());
        std::memcpy(to, &length, sizeof length);
        to = std::copy(value.begin(), value.end(), to + sizeof length);
    }
    // One model on one engine asks for the same few series again and again.
    Known& recent = recent_[(std::hash<const MetricInfo*>{}(&metric) / alignof(MetricInfo) + size) %
                            recent_.size()];
    if (recent.key && recent.key->metric == &metric && recent.key->values == scratch_)
        return *recent.series;
    if (const auto found = known_.find(KeyView{&metric, scratch_}); found != known_.end()) {
        recent = {&found->first, found->second};
        return *found->second;
    }
    std::string rendered;
    append_labels(labels, rendered);
    Family& family = families_[metric.name];
    family.info = &metric;
    Series& made = family.series[rendered];
    made.buckets.resize(metric.buckets.size());
    known_.emplace(Key{&metric, scratch_}, &made);
    return made;
}

void Shard::add(const MetricInfo& metric, Labels labels, double by) {
    const std::lock_guard lock(mutex_);
    series(metric, labels).value += by;
}

void Shard::observe(const MetricInfo& metric, Labels labels, double value) {
    const std::lock_guard lock(mutex_);
    Series& into = series(metric, labels);
    into.value += value;
    ++into.count;
    const auto bucket = std::lower_bound(metric.buckets.begin(), metric.buckets.end(), value);
    if (bucket != metric.buckets.end())
        ++into.buckets[static_cast<std::size_t>(bucket - metric.buckets.begin())];
}

Shard& Metrics::make_shard() {
    const std::lock_guard lock(mutex_);
    return *shards_.emplace_back(std::make_unique<Shard>());
}

void Metrics::on_scrape(std::function<void(const Emit&)> collector) {
    const std::lock_guard lock(mutex_);
    collectors_.push_back(std::move(collector));
}

std::string Metrics::render() const {
    Shard sum;
    const std::lock_guard lock(mutex_);
    for (const auto& shard : shards_) {
        const std::lock_guard shard_lock(shard->mutex_);
        for (const auto& [name, family] : shard->families_) {
            auto& into = sum.families_[name];
            into.info = family.info;
            for (const auto& [labels, series] : family.series) {
                auto& total = into.series[labels];
                total.value += series.value;
                total.count += series.count;
                total.buckets.resize(series.buckets.size());
                for (std::size_t i = 0; i < series.buckets.size(); ++i)
                    total.buckets[i] += series.buckets[i];
            }
        }
    }
    const Emit emit = [&](const MetricInfo& metric, Labels labels, double value) {
        sum.series(metric, labels).value = value;
    };
    for (const auto& collector : collectors_)
        collector(emit);

    std::string out;
    for (const auto& [name, family] : sum.families_) {
        const MetricInfo& info = *family.info;
        fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, info.help,
                       name, kind_name(info.kind));
        for (const auto& [labels, series] : family.series) {
            if (info.kind != MetricKind::kHistogram) {
                append_sample(out, name, "", labels, "", series.value);
                continue;
            }
            std::uint64_t cumulative = 0;
            for (std::size_t i = 0; i < info.buckets.size(); ++i) {
                cumulative += series.buckets[i];
                append_sample(out, name, "_bucket", labels,
                              fmt::format("le=\"{}\"", info.buckets[i]),
                              static_cast<double>(cumulative));
            }
            append_sample(out, name, "_bucket", labels, "le=\"+Inf\"",
                          static_cast<double>(series.count));
            append_sample(out, name, "_sum", labels, "", series.value);
            append_sample(out, name, "_count", labels, "", static_cast<double>(series.count));
        }
    }
    return out;
}

}  // namespace segue::telemetry
