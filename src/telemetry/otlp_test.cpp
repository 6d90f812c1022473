#include "telemetry/otlp.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/ids.hpp"
#include "base/json.hpp"

namespace segue::telemetry {
namespace {

using testing::HasSubstr;
using testing::Pair;

class Variables {
public:
    Variables(std::initializer_list<std::pair<const std::string, std::string>> set) : set_(set) {}
    std::optional<TracingConfig> read() {
        issues.clear();
        return read_tracing(
            [this](std::string_view name) -> std::optional<std::string> {
                const auto found = set_.find(std::string(name));
                if (found == set_.end()) return std::nullopt;
                return found->second;
            },
            issues);
    }
    std::vector<SettingIssue> issues;

private:
    std::map<std::string, std::string> set_;
};

TEST(TracingConfig, IsOffUntilAnEndpointIsNamed) {
    EXPECT_FALSE(Variables({}).read());
    EXPECT_FALSE(Variables({{"OTEL_EXPORTER_OTLP_ENDPOINT", ""}}).read());
    EXPECT_FALSE(Variables({{"OTEL_SERVICE_NAME", "x"}}).read());
    EXPECT_FALSE(
        Variables({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, {"OTEL_SDK_DISABLED", "TRUE"}})
            .read());
    EXPECT_FALSE(Variables({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
                            {"OTEL_TRACES_EXPORTER", "none"}})
                     .read());
    // What is off is not checked either.
    Variables off({{"OTEL_TRACES_SAMPLER", "nonsense"}});
    EXPECT_FALSE(off.read());
    EXPECT_TRUE(off.issues.empty());
}

TEST(TracingConfig, TheTracesEndpointIsTakenAsItIsTheOtherOneIsABase) {
    struct Case {
        std::string variable, value, origin, path;
    };
    for (const Case& one :
         {Case{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "http://c:4318", "/v1/traces"},
          Case{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/", "http://c:4318", "/v1/traces"},
          Case{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp/", "https://c", "/otlp/v1/traces"},
          Case{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:9/t", "http://c:9", "/t"},
          Case{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:9", "http://c:9", "/"}}) {
        Variables variables({{one.variable, one.value}});
        const auto config = variables.read();
        ASSERT_TRUE(config && variables.issues.empty()) << one.value;
        EXPECT_THAT(config->origin.to_string(), testing::StartsWith(one.origin));
        EXPECT_EQ(config->origin.prefix, "");
        EXPECT_EQ(config->path, one.path) << one.value;
    }
    const auto both = Variables({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"},
                                 {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2/x"}})
                          .read();
    EXPECT_EQ(both->origin.host, "b");
}

TEST(TracingConfig, ReadsWhatOpenTelemetryNames) {
    Variables variables(
        {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
         {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=1"},
         {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
         {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},
         {"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
         {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200"},
         {"OTEL_BSP_SCHEDULE_DELAY", "50"},
         {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
         {"OTEL_TRACES_SAMPLER_ARG", "0.25"},
         {"OTEL_RESOURCE_ATTRIBUTES", "service.name=lost,deployment.environment.name=test%2C1"},
         {"OTEL_SERVICE_NAME", "chat"}});
    const auto config = variables.read();
    ASSERT_TRUE(config);
    EXPECT_THAT(variables.issues, testing::IsEmpty());
    EXPECT_THAT(config->headers, testing::ElementsAre(Pair("api-key", "a b"), Pair("x", "1")));
    EXPECT_EQ(config->timeout, std::chrono::milliseconds(2500));
    EXPECT_EQ(config->ca_file, "/ca.pem");
    EXPECT_EQ(config->max_queue, 100U);
    EXPECT_EQ(config->max_batch, 100U) << "a batch cannot be larger than the queue";
    EXPECT_EQ(config->delay, std::chrono::milliseconds(50));
    EXPECT_TRUE(config->sampler.parent_decides);
    EXPECT_EQ(config->sampler.root, Sampler::Root::kRatio);
    EXPECT_EQ(config->sampler.ratio, 0.25);
    EXPECT_THAT(config->resource, testing::Contains(Pair("service.name", "chat")));
    EXPECT_THAT(config->resource, testing::Contains(Pair("deployment.environment.name", "test,1")));
    EXPECT_THAT(config->resource, testing::Contains(Pair("service.version", SEGUE_VERSION)));
}

TEST(TracingConfig, MistakesAreSaidAndSecretsAreNot) {
    Variables variables({{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
                         {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
                         {"OTEL_EXPORTER_OTLP_HEADERS", "sesame"},
                         {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"},
                         {"OTEL_TRACES_SAMPLER", "sometimes"},
                         {"OTEL_RESOURCE_ATTRIBUTES", "=x"}});
    variables.read();
    std::string all;
    for (const auto& issue : variables.issues)
        all += issue.to_string() + "\n";
    EXPECT_EQ(variables.issues.size(), 6U) << all;
    EXPECT_THAT(all, HasSubstr("'collector:4318' is not a URL; write http://HOST:4318"));
    EXPECT_THAT(all, HasSubstr("http/json"));
    EXPECT_THAT(all, HasSubstr("'sometimes' is not one of"));
    EXPECT_THAT(all, testing::Not(HasSubstr("sesame")));
    Variables share({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
                     {"OTEL_TRACES_SAMPLER", "traceidratio"},
                     {"OTEL_TRACES_SAMPLER_ARG", "nan"}});
    share.read();
    EXPECT_EQ(share.issues.size(), 1U);
}

TEST(Sampler, FollowsTheCallerElseDecidesByTheId) {
    const std::string low = std::string(16, 'f') + std::string(16, '0');
    const std::string high = std::string(16, '0') + std::string(16, 'f');
    const std::string middle = std::string(16, '0') + "7fffffffffffffff";
    const Sampler half{Sampler::Root::kRatio, 0.5, true};
    EXPECT_TRUE(half.takes(low, std::nullopt));
    EXPECT_TRUE(half.takes(middle, std::nullopt));
    EXPECT_FALSE(half.takes(high, std::nullopt));
    EXPECT_TRUE(half.takes(high, true));
    EXPECT_FALSE(half.takes(low, false));
    const Sampler deaf{Sampler::Root::kRatio, 0.5, false};
    EXPECT_TRUE(deaf.takes(low, false));
    EXPECT_FALSE(deaf.takes(high, true));
    EXPECT_TRUE((Sampler{Sampler::Root::kRatio, 1, false}).takes(high, std::nullopt));
    EXPECT_FALSE((Sampler{Sampler::Root::kRatio, 0, false}).takes(low, std::nullopt));
    EXPECT_TRUE((Sampler{Sampler::Root::kAlways, 0, true}).takes(high, std::nullopt));
    EXPECT_FALSE((Sampler{Sampler::Root::kNever, 1, true}).takes(low, std::nullopt));
    EXPECT_TRUE((Sampler{Sampler::Root::kNever, 1, true}).takes(low, true));

    int taken = 0;
    const Sampler tenth{Sampler::Root::kRatio, 0.1, true};
    for (int i = 0; i < 10'000; ++i)
        taken += tenth.takes(random_hex(32), std::nullopt) ? 1 : 0;
    EXPECT_NEAR(taken, 1'000, 200);  // 6.6 standard deviations
}

TEST(OtlpJson, HasTheShapeOfTheSpecification) {
    TracingConfig config;
    config.resource = {{"service.name", "se\"gue"}};
    Span span;
    span.trace_id = std::string(32, 'a');
    span.span_id = std::string(16, 'b');
    span.parent_id = std::string(16, 'c');
    span.trace_state = "k=v";
    span.remote_parent = true;
    span.name = "POST /api/chat";
    span.kind = Span::Kind::kServer;
    span.start = WallTime(std::chrono::microseconds(1'795'426'528'000'001));
    span.end = WallTime(std::chrono::microseconds(1'795'426'529'000'002));
    span.attributes = {{"text", std::string("a\nb")},
                       {"number", std::int64_t{9'007'199'254'740'993}},
                       {"share", 0.5},
                       {"list", std::vector<std::string>{"x", "y"}}};
    span.failed = true;
    span.error = "cannot reach it";
    Span plain;
    plain.trace_id = span.trace_id;
    plain.span_id = std::string(16, 'd');
    plain.name = "queue";
    plain.start = WallTime(std::chrono::seconds(2));
    plain.end = WallTime(std::chrono::seconds(1));  // clocks do such things
    const std::vector spans{span, plain};
    EXPECT_EQ(
        otlp_json(config, spans),
        R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"se\"gue"}}]},)"
        R"("scopeSpans":[{"scope":{"name":"segue","version":")" SEGUE_VERSION R"("},"spans":[)"
        R"({"traceId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","spanId":"bbbbbbbbbbbbbbbb","parentSpanId":"cccccccccccccccc","traceState":"k=v","flags":769,)"
        R"("name":"POST /api/chat","kind":2,"startTimeUnixNano":"1795426528000001000","endTimeUnixNano":"1795426529000002000",)"
        R"("attributes":[{"key":"text","value":{"stringValue":"a\nb"}},{"key":"number","value":{"intValue":"9007199254740993"}},)"
        R"({"key":"share","value":{"doubleValue":0.5}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"x"},{"stringValue":"y"}]}}}],)"
        R"("status":{"code":2,"message":"cannot reach it"}},)"
        R"({"traceId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","spanId":"dddddddddddddddd","flags":257,"name":"queue","kind":1,)"
        R"("startTimeUnixNano":"2000000000","endTimeUnixNano":"2000000000","attributes":[],"status":{}}]}]}]})");
}

}  // namespace
}  // namespace segue::telemetry
