#include "telemetry/otlp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace segue::telemetry {
namespace {

constexpr std::string_view kScope = "segue";
// Span.flags: W3C's sampled bit, and OTLP's two bits about the parent.
constexpr std::int64_t kSampled = 0x001;
constexpr std::int64_t kParentKnown = 0x100;
constexpr std::int64_t kParentRemote = 0x200;
constexpr std::int64_t kStatusError = 2;

/// A variable that is set to nothing counts as unset (the specification says so).
std::string value_of(const Environment& environment, std::string_view name) {
    return environment(name).value_or("");
}

/// The variable for traces alone wins over the one for all signals.
std::pair<std::string, std::string> signal_value(const Environment& environment,
                                                 std::string_view tail) {
    std::string name = fmt::format("OTEL_EXPORTER_OTLP_TRACES_{}", tail);
    std::string value = value_of(environment, name);
    if (!value.empty()) return {name, value};
    name = fmt::format("OTEL_EXPORTER_OTLP_{}", tail);
    return {name, value_of(environment, name)};
}

/// "key=value,key=value", values percent-encoded.
std::vector<std::pair<std::string, std::string>> read_pairs(const std::string& variable,
                                                            std::string_view text,
                                                            std::vector<SettingIssue>& issues) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto part : split(text, ',')) {
        if (trim(part).empty()) continue;
        const auto equals = part.find('=');
        const auto key = trim(part.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            // The text itself is not shown: it may be a key.
            issues.push_back({variable, 0, 0, "is not of the form name=value,name=value"});
            return {};
        }
        pairs.emplace_back(key, percent_decode(trim(part.substr(equals + 1))));
    }
    return pairs;
}

template <class T>
void read_number(const Environment& environment, std::string_view variable, std::int64_t low,
                 std::int64_t high, T& into, std::vector<SettingIssue>& issues) {
    const std::string text = value_of(environment, variable);
    if (text.empty()) return;
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value < low || value > high) {
        issues.push_back({std::string(variable), 0, 0,
                          fmt::format("'{}' is not a number from {} to {}", text, low, high)});
        return;
    }
    into = T(value);
}

void read_endpoint(const Environment& environment, TracingConfig& config,
                   std::vector<SettingIssue>& issues) {
    const auto [variable, text] = signal_value(environment, "ENDPOINT");
    const auto origin = net::parse_origin(text, 4318);
    if (!origin || text.find("://") == std::string::npos) {
        issues.push_back(
            {variable, 0, 0,
             fmt::format("'{}' is not a URL; write http://HOST:4318, without a query", text)});
        return;
    }
    config.origin = *origin;
    // The variable for traces names the whole path, the other one what is before /v1/traces.
    const bool whole = variable == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    config.path =
        whole ? (origin->prefix.empty() ? "/" : origin->prefix) : origin->prefix + "/v1/traces";
    config.origin.prefix.clear();
}

void read_sampler(const Environment& environment, Sampler& sampler,
                  std::vector<SettingIssue>& issues) {
    std::string name = to_lower(value_of(environment, "OTEL_TRACES_SAMPLER"));
    if (name.empty()) return;  // parentbased_always_on
    constexpr std::string_view kParentBased = "parentbased_";
    sampler.parent_decides = name.starts_with(kParentBased);
    if (sampler.parent_decides) name.erase(0, kParentBased.size());
    static constexpr std::array<std::string_view, 3> kNames{"always_on", "always_off",
                                                            "traceidratio"};
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
        issues.push_back({"OTEL_TRACES_SAMPLER", 0, 0,
                          fmt::format("'{}' is not one of always_on, always_off, traceidratio, or "
                                      "one of them with parentbased_ before it",
                                      value_of(environment, "OTEL_TRACES_SAMPLER"))});
        return;
    }
    sampler.root = static_cast<Sampler::Root>(found - kNames.begin());
    const std::string argument = value_of(environment, "OTEL_TRACES_SAMPLER_ARG");
    if (sampler.root != Sampler::Root::kRatio || argument.empty()) return;
    const char* end = argument.data() + argument.size();
    const auto [stop, error] = std::from_chars(argument.data(), end, sampler.ratio);
    if (error != std::errc{} || stop != end || !(sampler.ratio >= 0 && sampler.ratio <= 1)) {
        issues.push_back({"OTEL_TRACES_SAMPLER_ARG", 0, 0,
                          fmt::format("'{}' is not a share from 0 to 1", argument)});
        sampler.ratio = 1;
    }
}

void read_resource(const Environment& environment, TracingConfig& config,
                   std::vector<SettingIssue>& issues) {
    const auto set = [&](std::string_view name, std::string value) {
        auto& resource = config.resource;
        const auto known = std::find_if(resource.begin(), resource.end(),
                                        [&](const auto& pair) { return pair.first == name; });
        if (known != resource.end()) {
            known->second = std::move(value);
        } else {
            resource.emplace_back(name, std::move(value));
        }
    };
    set("service.name", "segue");
    set("service.version", SEGUE_VERSION);
    set("service.instance.id", random_hex(32));
    set("telemetry.sdk.name", "segue");
    set("telemetry.sdk.language", "cpp");
    set("telemetry.sdk.version", SEGUE_VERSION);
    for (auto& [name, value] : read_pairs(
             "OTEL_RESOURCE_ATTRIBUTES", value_of(environment, "OTEL_RESOURCE_ATTRIBUTES"), issues))
        set(name, std::move(value));
    if (auto name = value_of(environment, "OTEL_SERVICE_NAME"); !name.empty())
        set("service.name", std::move(name));
}

std::string nanoseconds(WallTime time) {
    const auto since =
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
    return std::to_string(since.count());
}

/// 64-bit numbers are strings in OTLP's JSON, as protobuf's mapping has them.
void write_value(json::Writer& w, const AttributeValue& value) {
    w.begin_object();
    std::visit(
        overloaded{[&](const std::string& text) { w.member("stringValue", text); },
                   [&](std::int64_t number) { w.member("intValue", std::to_string(number)); },
                   [&](double number) { w.member("doubleValue", number); },
                   [&](const std::vector<std::string>& texts) {
                       w.key("arrayValue").begin_object().key("values").begin_array();
                       for (const auto& text : texts)
                           w.begin_object().member("stringValue", text).end_object();
                       w.end_array().end_object();
                   }},
        value);
    w.end_object();
}

void write_attribute(json::Writer& w, std::string_view name, const AttributeValue& value) {
    w.begin_object().member("key", name).key("value");
    write_value(w, value);
    w.end_object();
}

void write_span(json::Writer& w, const Span& span) {
    w.begin_object().member("traceId", span.trace_id).member("spanId", span.span_id);
    if (!span.parent_id.empty()) w.member("parentSpanId", span.parent_id);
    if (!span.trace_state.empty()) w.member("traceState", span.trace_state);
    w.member("flags", kSampled | kParentKnown | (span.remote_parent ? kParentRemote : 0));
    w.member("name", span.name).member("kind", static_cast<std::int64_t>(span.kind));
    w.member("startTimeUnixNano", nanoseconds(span.start));
    w.member("endTimeUnixNano", nanoseconds(std::max(span.start, span.end)));
    w.key("attributes").begin_array();
    for (const auto& attribute : span.attributes)
        write_attribute(w, attribute.name, attribute.value);
    w.end_array().key("status").begin_object();
    if (span.failed) {
        w.member("code", kStatusError);
        if (!span.error.empty()) w.member("message", span.error);
    }
    w.end_object().end_object();
}

}  // namespace

/// The last 64 bits of the id, as a number: OpenTelemetry's own rule, so that all programs on a
/// trace's way take the same share of traces.
bool Sampler::takes(std::string_view trace_id, std::optional<bool> parent_sampled) const {
    if (parent_decides && parent_sampled) return *parent_sampled;
    switch (root) {
        case Root::kAlways: return true;
        case Root::kNever: return false;
        case Root::kRatio: break;
    }
    if (trace_id.size() != 32) return false;
    std::uint64_t low = 0;
    const char* end = trace_id.data() + trace_id.size();
    std::from_chars(end - 16, end, low, 16);
    return ratio >= 1 || low < static_cast<std::uint64_t>(ratio * 0x1p64);
}

std::optional<TracingConfig> read_tracing(const Environment& environment,
                                          std::vector<SettingIssue>& issues) {
    if (signal_value(environment, "ENDPOINT").second.empty()) return std::nullopt;
    if (iequals(value_of(environment, "OTEL_SDK_DISABLED"), "true")) return std::nullopt;
    if (iequals(value_of(environment, "OTEL_TRACES_EXPORTER"), "none")) return std::nullopt;
    TracingConfig config;
    read_endpoint(environment, config, issues);
    if (const auto [variable, protocol] = signal_value(environment, "PROTOCOL");
        iequals(protocol, "grpc"))
        issues.push_back({variable, 0, 0,
                          "segue sends traces as http/json; point the endpoint at the collector's "
                          "HTTP port (4318) and leave this unset"});
    const auto [headers_variable, headers] = signal_value(environment, "HEADERS");
    config.headers = read_pairs(headers_variable, headers, issues);
    config.ca_file = signal_value(environment, "CERTIFICATE").second;
    const std::string timeout_variable = signal_value(environment, "TIMEOUT").first;
    read_number(environment, timeout_variable, 1, 600'000, config.timeout, issues);
    read_number(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 1, 1'000'000, config.max_queue, issues);
    read_number(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, 1'000'000, config.max_batch,
                issues);
    read_number(environment, "OTEL_BSP_SCHEDULE_DELAY", 1, 600'000, config.delay, issues);
    config.max_batch = std::min(config.max_batch, config.max_queue);
    read_sampler(environment, config.sampler, issues);
    read_resource(environment, config, issues);
    return config;
}

std::string otlp_json(const TracingConfig& config, std::span<const Span> spans) {
    return json::object([&](json::Writer& w) {
        w.key("resourceSpans").begin_array().begin_object();
        w.key("resource").begin_object().key("attributes").begin_array();
        for (const auto& [name, value] : config.resource)
            write_attribute(w, name, value);
        w.end_array().end_object();
        w.key("scopeSpans").begin_array().begin_object();
        w.key("scope").begin_object().member("name", kScope).member("version", SEGUE_VERSION);
        w.end_object().key("spans").begin_array();
        for (const auto& span : spans)
            write_span(w, span);
        w.end_array().end_object().end_array().end_object().end_array();
    });
}

}  // namespace segue::telemetry
