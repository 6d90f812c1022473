#include "gateway/record.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "gateway/metric_names.hpp"

namespace segue::gateway {
namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

double milliseconds(Duration duration) {
    return static_cast<double>(
               std::chrono::duration_cast<std::chrono::microseconds>(duration).count()) /
           1000.0;
}

/// "messages(-7)" is counted as "messages": the number would make a label without bound.
std::string_view field_name(std::string_view adjusted) {
    return adjusted.substr(0, adjusted.find('('));
}

}  // namespace

void count(const RequestRecord& record, telemetry::Shard& shard) {
    const std::string status = std::to_string(record.status);
    // A model that nobody serves must not become a label: anybody can invent names.
    const std::string_view model = record.listed_model ? record.model : record.served_model;
    shard.add(metric::kRequests, {{"front", record.front},
                                  {"endpoint", record.endpoint},
                                  {"model", model},
                                  {"engine", record.engine},
                                  {"status", status}});
    if (record.status == 499) shard.add(metric::kClientGone, {{"front", record.front}});
    for (const auto& field : record.ignored)
        shard.add(metric::kIgnored, {{"front", record.front}, {"field", field}});
    for (const auto& field : record.adjusted)
        shard.add(metric::kAdjusted, {{"front", record.front}, {"field", field_name(field)}});
    if (!record.key.empty())
        shard.add(metric::kKeyRequests, {{"key", record.key}, {"status", status}});
    if (record.engine.empty()) return;

    const llm::Observation& seen = record.observation;
    const std::string error = record.status >= 400 ? status : record.broken ? "broken" : "";
    const telemetry::Labels labels{{"gen_ai_operation_name", record.endpoint},
                                   {"gen_ai_request_model", model},
                                   {"engine", record.engine},
                                   {"error_type", error}};
    shard.observe(metric::kRequestSeconds, labels, seconds(record.over - record.received));
    if (seen.first_event) {
        shard.observe(metric::kFirstTokenSeconds, labels,
                      seconds(*seen.first_event - record.received));
        const auto tokens = seen.usage.completion_tokens.value_or(0);
        if (seen.finished && tokens > 1)
            shard.observe(
                metric::kTokenGapSeconds, labels,
                seconds(*seen.finished - *seen.first_event) / static_cast<double>(tokens - 1));
    }
    const auto usage = [&](std::string_view type, const std::optional<std::int64_t>& tokens) {
        if (tokens && !record.key.empty())
            shard.add(metric::kKeyTokens, {{"key", record.key}, {"gen_ai_token_type", type}},
                      static_cast<double>(*tokens));
        if (tokens)
            shard.observe(metric::kTokenUsage,
                          {{"gen_ai_token_type", type},
                           {"gen_ai_request_model", model},
                           {"engine", record.engine}},
                          static_cast<double>(*tokens));
    };
    usage("input", seen.usage.prompt_tokens);
    usage("output", seen.usage.completion_tokens);
    if (seen.usage_estimated) shard.add(metric::kUsageEstimated, {{"engine", record.engine}});
}

std::string access_log_line(const RequestRecord& record) {
    return json::object([&](json::Writer& w) {
        w.member("time", rfc3339(record.wall)).member("level", "access");
        w.member("request_id", record.request_id);
        if (!record.trace_id.empty()) w.member("trace_id", record.trace_id);
        w.member("peer", record.peer);
        if (!record.key.empty()) w.member("key", record.key);
        w.member("method", record.method).member("path", record.path);
        w.member("front", record.front)
            .member("endpoint", record.endpoint)
            .member("status", record.status);
        if (record.broken) w.member("broken", true);
        if (!record.model.empty()) w.member("model", record.model);
        if (!record.collection.empty()) w.member("collection", record.collection);
        if (!record.engine.empty()) {
            w.member("engine", record.engine).member("served_model", record.served_model);
            w.member("attempts", record.attempts);
        }
        w.member("ms", milliseconds(record.over - record.received));
        const llm::Observation& seen = record.observation;
        if (record.queued) {
            w.member("queue_ms", milliseconds(*record.queued));
            w.member("priority", priority_name(record.priority));
        }
        if (seen.first_event)
            w.member("first_event_ms", milliseconds(*seen.first_event - record.received));
        if (seen.usage.prompt_tokens) w.member("prompt_tokens", *seen.usage.prompt_tokens);
        if (seen.usage.completion_tokens)
            w.member("completion_tokens", *seen.usage.completion_tokens);
        w.member("bytes_in", record.bytes_in).member("bytes_out", record.bytes_out);
        const auto list = [&](std::string_view name, const std::vector<std::string>& fields) {
            if (fields.empty()) return;
            w.key(name).begin_array();
            for (const auto& field : fields)
                w.string(field);
            w.end_array();
        };
        list("ignored", record.ignored);
        list("adjusted", record.adjusted);
        if (!record.failure.empty()) w.member("failure", record.failure);
    });
}

}  // namespace segue::gateway
