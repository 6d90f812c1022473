#include "gateway/trace.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gateway/record.hpp"

namespace segue::gateway {
namespace {

using std::chrono::milliseconds;
using telemetry::Span;

engine::Candidate candidate(const std::string& name) {
    engine::EngineConfig config;
    config.name = name;
    config.origin = *net::parse_origin("http://10.0.0.5:8000", 80);
    engine::Candidate made;
    made.engine = std::make_shared<engine::Engine>(config);
    made.target.served_model = "served";
    return made;
}

class TraceTest : public ::testing::Test {
protected:
    RequestRecord request(std::string_view parent = std::string_view("00000000000000aa")) {
        RequestRecord record;
        record.trace_id = std::string(32, 'a');
        record.request_id = "req_1";
        record.method = "POST";
        record.path = "/api/chat";
        record.peer = "127.0.0.1:5";
        record.front = "ollama";
        record.endpoint = "chat";
        record.model = "asked";
        record.status = 200;
        record.received = at(0);
        record.trace = std::make_unique<RequestTrace>("/api/chat", parent, "k=v");
        return record;
    }
    TimePoint at(int ms) const { return clock_.now() + milliseconds(ms); }
    WallTime wall(int ms) const { return clock_.wall() + milliseconds(ms); }
    /// Over after 100 ms.
    std::multimap<std::string, Span> spans_of(RequestRecord record) {
        record.over = at(100);
        std::vector<Span> spans;
        finished_request(std::move(record), wall(100))->append_to(spans);
        std::multimap<std::string, Span> named;
        std::set<std::string> ids;
        for (auto& span : spans) {
            EXPECT_EQ(span.trace_id, std::string(32, 'a'));
            EXPECT_EQ(span.trace_state, "k=v");
            EXPECT_EQ(span.span_id.size(), 16U);
            EXPECT_TRUE(ids.insert(span.span_id).second) << "two spans with one id";
            EXPECT_LE(span.start, span.end);
            EXPECT_GE(span.start, wall(0));
            EXPECT_LE(span.end, wall(100));
            named.emplace(span.name, span);
        }
        return named;
    }
    static const telemetry::AttributeValue* find(const Span& span, std::string_view name) {
        for (const auto& attribute : span.attributes)
            if (attribute.name == name) return &attribute.value;
        return nullptr;
    }
    static std::string text(const Span& span, std::string_view name) {
        const auto* value = find(span, name);
        return value ? std::get<std::string>(*value) : "none";
    }
    static std::int64_t number(const Span& span, std::string_view name) {
        const auto* value = find(span, name);
        return value ? std::get<std::int64_t>(*value) : -1;
    }
    FakeClock clock_;
};

TEST_F(TraceTest, AnAnswerHasItsPhases) {
    RequestRecord record = request();
    record.engine = "vllm-a";
    record.served_model = "served";
    record.attempts = 1;
    record.trace->wait(at(10));
    record.trace->begin(candidate("vllm-a"), at(30));
    const std::string header = record.trace->traceparent(record.trace_id);
    record.trace->sent(at(35));
    record.trace->sent(at(36));  // a second call of the same attempt
    llm::Observation seen;
    seen.first_event = at(50);
    seen.finished = at(90);
    seen.usage.prompt_tokens = 12;
    seen.usage.completion_tokens = 34;
    seen.finish_reason = llm::FinishReason::kLength;
    record.trace->end(seen, "", at(92));
    record.observation = seen;

    const auto spans = spans_of(std::move(record));
    ASSERT_EQ(spans.size(), 6U);
    const Span& server = spans.find("POST /api/chat")->second;
    EXPECT_EQ(server.kind, Span::Kind::kServer);
    EXPECT_EQ(server.parent_id, "00000000000000aa");
    EXPECT_TRUE(server.remote_parent);
    EXPECT_EQ(server.start, wall(0));
    EXPECT_EQ(server.end, wall(100));
    EXPECT_FALSE(server.failed);
    EXPECT_EQ(text(server, "gen_ai.operation.name"), "chat");
    EXPECT_EQ(text(server, "gen_ai.request.model"), "asked");
    EXPECT_EQ(text(server, "gen_ai.response.model"), "served");
    EXPECT_EQ(number(server, "gen_ai.usage.input_tokens"), 12);
    EXPECT_EQ(number(server, "gen_ai.usage.output_tokens"), 34);
    EXPECT_EQ(number(server, "http.response.status_code"), 200);
    EXPECT_EQ(text(server, "client.address"), "127.0.0.1");
    EXPECT_EQ(text(server, "error.type"), "none");

    const Span& queue = spans.find("queue")->second;
    EXPECT_EQ(queue.parent_id, server.span_id);
    EXPECT_EQ(queue.start, wall(10));
    EXPECT_EQ(queue.end, wall(30));

    const Span& attempt = spans.find("chat served")->second;
    EXPECT_EQ(attempt.kind, Span::Kind::kClient);
    EXPECT_EQ(attempt.parent_id, server.span_id);
    EXPECT_EQ(header, "00-" + server.trace_id + "-" + attempt.span_id + "-01");
    EXPECT_EQ(text(attempt, "server.address"), "10.0.0.5");
    EXPECT_EQ(number(attempt, "server.port"), 8000);
    EXPECT_EQ(text(attempt, "segue.engine"), "vllm-a");

    const std::map<std::string, std::pair<int, int>> phases{
        {"connect", {30, 35}}, {"first event", {35, 50}}, {"stream", {50, 92}}};
    for (const auto& [name, times] : phases) {
        const Span& phase = spans.find(name)->second;
        EXPECT_EQ(phase.parent_id, attempt.span_id) << name;
        EXPECT_EQ(phase.start, wall(times.first)) << name;
        EXPECT_EQ(phase.end, wall(times.second)) << name;
    }
}

TEST_F(TraceTest, EachAttemptHasASpanAndTheFailureIsInItsPhase) {
    RequestRecord record = request("");
    record.attempts = 2;
    record.trace->wait(at(0));
    record.trace->begin(candidate("a"), at(1));
    record.trace->end({}, "cannot reach engine 'a'", at(20));
    record.trace->wait(at(20));
    record.trace->begin(candidate("b"), at(20));
    record.trace->sent(at(22));
    record.trace->end({}, "engine 'b' sent nothing in time", at(90));
    record.status = 502;
    record.failure = "engine 'b' sent nothing in time";
    const auto spans = spans_of(std::move(record));
    ASSERT_EQ(spans.size(), 1U + 2 + 2 + 1 + 2);  // server, queues, attempts, phases of both
    EXPECT_EQ(spans.count("queue"), 2U);
    EXPECT_EQ(spans.count("chat served"), 2U);
    EXPECT_EQ(spans.count("stream"), 0U);
    const Span& server = spans.find("POST /api/chat")->second;
    EXPECT_EQ(server.parent_id, "");
    EXPECT_FALSE(server.remote_parent);
    EXPECT_TRUE(server.failed);
    EXPECT_EQ(text(server, "error.type"), "502");
    auto [connect, end] = spans.equal_range("connect");
    std::set<bool> failed;
    for (; connect != end; ++connect)
        failed.insert(connect->second.failed);
    EXPECT_EQ(failed, (std::set<bool>{false, true}));
    EXPECT_TRUE(spans.find("first event")->second.failed);
}

TEST_F(TraceTest, NoEngineHadRoom) {
    RequestRecord record = request();
    record.trace->wait(at(5));
    record.status = 503;
    record.failure = "the queue is full";
    const auto spans = spans_of(std::move(record));
    ASSERT_EQ(spans.size(), 2U);
    const Span& queue = spans.find("queue")->second;
    EXPECT_TRUE(queue.failed);
    EXPECT_EQ(queue.error, "the queue is full");
    EXPECT_EQ(queue.end, wall(100));
}

TEST_F(TraceTest, WhatTheClientDidWrongIsNoFailureOfTheServer) {
    for (const int status : {400, 404, 499}) {
        RequestRecord record = request();
        record.status = status;
        record.failure = "no";
        const auto spans = spans_of(std::move(record));
        const Span& server = spans.find("POST /api/chat")->second;
        EXPECT_FALSE(server.failed) << status;
        EXPECT_EQ(text(server, "error.type"), std::to_string(status));
    }
    RequestRecord broken = request();
    broken.broken = true;
    EXPECT_TRUE(spans_of(std::move(broken)).find("POST /api/chat")->second.failed);
}

TEST_F(TraceTest, APathOfNobodyIsNoNameOfASpan) {
    RequestRecord record = request();
    record.trace = std::make_unique<RequestTrace>("", "", "k=v");
    record.path = "/anything/anybody/invents";
    record.endpoint = "unknown";
    const auto spans = spans_of(std::move(record));
    EXPECT_EQ(spans.count("POST"), 1U);
    EXPECT_EQ(find(spans.find("POST")->second, "gen_ai.operation.name"), nullptr);
}

}  // namespace
}  // namespace segue::gateway
