#include "gateway/record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace segue::gateway {
namespace {

RequestRecord answered() {
    RequestRecord record;
    record.request_id = "req_1";
    record.front = "ollama";
    record.endpoint = "chat";
    record.model = "m";
    record.listed_model = true;
    record.engine = "vllm";
    record.served_model = "org/m";
    record.status = 200;
    record.over = record.received + std::chrono::milliseconds(250);
    record.observation.first_event = record.received + std::chrono::milliseconds(50);
    record.observation.finished = record.received + std::chrono::milliseconds(250);
    record.observation.usage.prompt_tokens = 24;
    record.observation.usage.completion_tokens = 11;
    record.ignored = {"num_gpu"};
    record.adjusted = {"messages(-7)"};
    return record;
}

TEST(Record, BecomesOneLineOfJson) {
    const auto line = nlohmann::json::parse(access_log_line(answered()));
    EXPECT_EQ(line["ms"], 250.0);
    EXPECT_EQ(line["first_event_ms"], 50.0);
    EXPECT_EQ(line["completion_tokens"], 11);
    EXPECT_EQ(line["ignored"][0], "num_gpu");
    EXPECT_FALSE(line.contains("failure"));
}

TEST(Record, IsCountedWithBoundedLabels) {
    telemetry::Metrics metrics;
    auto& shard = metrics.make_shard();
    count(answered(), shard);
    RequestRecord stranger;
    stranger.front = "openai";
    stranger.endpoint = "chat";
    stranger.model = "whatever-a-client-invents";
    stranger.status = 404;
    count(stranger, shard);
    const std::string text = metrics.render();
    EXPECT_NE(text.find("segue_adjusted_fields_total{front=\"ollama\",field=\"messages\"} 1"),
              std::string::npos);
    EXPECT_NE(text.find("gen_ai_server_time_per_output_token_seconds_count"), std::string::npos);
    EXPECT_EQ(text.find("whatever-a-client-invents"), std::string::npos);
}

}  // namespace
}  // namespace segue::gateway
