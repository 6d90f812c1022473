#include "llm/relay/ollama_relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "llm/relay/recordings.hpp"

namespace segue::llm {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kFile = SEGUE_SOURCE_DIR "/tests/data/wire/ollama-2026-08.jsonl";

struct Rig {
    Rig(const std::string& path, const std::string& body, bool stream,
        const std::string& served = "tiny-q4:latest") {
        BridgeContext context;
        context.target.dialect = Dialect::kOllama;
        context.target.served_model = served;
        context.target.profile = std::make_shared<Profile>();
        context.target.traits = std::make_shared<EngineTraits>();
        bridge = make_ollama_relay(context, path, body, stream);
        auto calls = bridge->start({}, out);
        if (calls) sent = calls->front().body;
    }
    void head(const std::string& type) {
        EngineAnswer answer;
        answer.status = 200;
        answer.content_type = type;
        bridge->on_head(1, answer, {}, out);
    }
    void stream(std::string_view body, std::size_t step = 1 << 20,
                const std::string& type = "application/x-ndjson") {
        head(type);
        for (std::size_t at = 0; at < body.size(); at += step) {
            bridge->on_bytes(1, body.substr(at, step), {}, out);
        }
        bridge->on_end(1, {}, out);
    }
    Outcome<std::vector<EngineCall>> answer(int status, const std::string& body) {
        EngineAnswer whole;
        whole.status = status;
        whole.content_type = "application/json; charset=utf-8";
        whole.body = body;
        return bridge->on_answer(1, std::move(whole), {}, out);
    }

    std::unique_ptr<Bridge> bridge;
    Output out;
    std::string sent;
};

TEST(OllamaRelay, PassesEveryRecordedStream) {  // C139
    std::size_t streams = 0;
    for (const auto& recording : testing::recordings(kFile)) {
        if (recording.status != 200 || !recording.content_type.starts_with("application/x-ndjson"))
            continue;
        if (recording.body.find("\"error\"") != std::string::npos) continue;
        ++streams;
        for (const std::size_t step : {std::size_t{1}, std::size_t{13}, std::size_t{1} << 20}) {
            Rig rig(recording.path, recording.request, true);
            rig.stream(recording.body, step);
            ASSERT_EQ(rig.out.state, Output::State::kDone) << recording.id;
            ASSERT_EQ(rig.out.bytes, recording.body) << recording.id;
            EXPECT_EQ(rig.out.content_type, recording.content_type);
        }
    }
    EXPECT_GE(streams, 8U);
}

TEST(OllamaRelay, PassesEveryRecordedAnswer) {  // C139
    std::size_t answers = 0;
    for (const auto& recording : testing::recordings(kFile)) {
        if (!recording.path.starts_with("/api/") || recording.request == "null" ||
            recording.status == 401 || recording.status == 403 ||
            recording.content_type.starts_with("application/x-ndjson")) {
            continue;
        }
        ++answers;
        Rig rig(recording.path, recording.request, false);
        const auto result = rig.answer(recording.status, recording.body);
        ASSERT_TRUE(result) << recording.id << result.error().message;
        EXPECT_EQ(rig.out.state, Output::State::kDone);
        EXPECT_EQ(rig.out.status, recording.status);
        EXPECT_EQ(rig.out.bytes, recording.body) << recording.id;
    }
    EXPECT_GT(answers, 30U);
}

TEST(OllamaRelay, ReplacesTheModelsNameAndNothingElse) {
    Rig rig("/api/chat", "{ \"MODEL\": \"Qwen3:8b\", \"x\":1.0 }", true);
    EXPECT_EQ(rig.sent, "{ \"MODEL\": \"tiny-q4:latest\", \"x\":1.0 }");
    rig.stream(
        "{\"model\":\"tiny-q4:latest\",\"message\":{\"content\":\"a\xC2\x85"
        "b\"},\"done\":false}\n"
        "{\"model\":\"tiny-q4:latest\",\"done\":true,\"done_reason\":\"length\",\"prompt_eval_"
        "count\":3,\"eval_count\":4}");
    EXPECT_EQ(rig.out.bytes,
              "{\"model\":\"Qwen3:8b\",\"message\":{\"content\":\"a\\u0085b\"},\"done\":false}\n"
              "{\"model\":\"Qwen3:8b\",\"done\":true,\"done_reason\":\"length\",\"prompt_eval_"
              "count\":3,\"eval_count\":4}\n");
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    const Observation& seen = rig.bridge->observation();
    EXPECT_EQ(seen.usage.completion_tokens, 4);
    EXPECT_EQ(seen.finish_reason, FinishReason::kLength);
    EXPECT_EQ(seen.content_events, 1U);
}

TEST(OllamaRelay, TakesTheLoadFormAsOneObject) {
    const auto load = testing::recording(kFile, "generate_load");
    Rig rig("/api/generate", load.request, true);
    rig.stream(load.body, 9, "application/json; charset=utf-8");
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_EQ(rig.out.bytes, load.body);
    EXPECT_EQ(rig.bridge->observation().finish_reason, FinishReason::kLoad);
    EXPECT_FALSE(rig.bridge->observation().usage_estimated);
}

TEST(OllamaRelay, BreaksWhereTheEngineBreaks) {
    const std::string line = "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n";
    const auto run = [](const std::string& body, const std::string& path = "/api/chat") {
        auto rig = std::make_unique<Rig>(path, "{\"model\":\"m\"}", true);
        rig->stream(body, 6);
        return rig;
    };
    const auto first = run("{\"error\":\"boom\"}\n");
    EXPECT_EQ(first->out.state, Output::State::kFailed);
    EXPECT_EQ(first->out.failure->message, "boom");
    const auto middle = run(line + "{\"error\":\"boom\"}\n");
    EXPECT_EQ(middle->out.state, Output::State::kBroken);
    EXPECT_EQ(middle->out.bytes, line + "{\"error\":\"boom\"}\n");
    for (const std::string& body : {line, line + "{\"half", line + "garbage\n"}) {
        const auto cut = run(body);
        EXPECT_EQ(cut->out.state, Output::State::kBroken);
        EXPECT_THAT(cut->out.bytes, StartsWith(line + "{\"error\":"));
        EXPECT_THAT(cut->out.bytes, EndsWith("}\n"));
    }
    EXPECT_EQ(run("")->out.state, Output::State::kFailed);
    EXPECT_EQ(run("{\"status\":\"pulling manifest\"}\n", "/api/pull")->out.state,
              Output::State::kBroken);
    EXPECT_EQ(run("{\"status\":\"success\"}\n", "/api/pull")->out.state, Output::State::kDone);
}

TEST(OllamaRelay, TellsErrorsApart) {
    Rig unknown("/api/chat", "{\"model\":\"mine\"}", true);
    ASSERT_TRUE(unknown.answer(404, "{\"error\":\"model 'tiny-q4' not found\"}"));
    EXPECT_EQ(unknown.out.bytes, "{\"error\":\"model 'mine' not found\"}");
    EXPECT_EQ(unknown.out.status, 404);
    const auto cause = [](int status) {
        Rig rig("/api/chat", "{\"model\":\"m\"}", true);
        const auto result = rig.answer(status, "{\"error\":\"no\"}");
        EXPECT_FALSE(result);
        return result ? Failure::Cause::kInternal : result.error().cause;
    };
    EXPECT_EQ(cause(401), Failure::Cause::kEngineAuth);
    EXPECT_EQ(cause(403), Failure::Cause::kEngineAuth);
    EXPECT_EQ(cause(429), Failure::Cause::kRateLimited);
    EXPECT_EQ(cause(503), Failure::Cause::kEngineFailed);
}

TEST(OllamaRelay, WhatIsNoObjectIsNoAnswer) {
    const std::string chat = R"({"model":"m","stream":false,"messages":[]})";
    for (const char* body : {"", "null", "<html>",
                             R"({"done":false})"
                             "\n"
                             R"({"done":true})"}) {
        Rig rig("/api/chat", chat, false);
        const auto outcome = rig.answer(200, body);
        ASSERT_FALSE(outcome.has_value()) << body;
        EXPECT_EQ(outcome.error().cause, Failure::Cause::kBroken) << body;
        EXPECT_TRUE(outcome.error().may_fail_over()) << body;
    }
    // Not every answer of the API is an object: copy and delete say nothing.
    Rig rig("/api/copy", R"({"source":"m","destination":"n"})", false);
    ASSERT_TRUE(rig.answer(200, "").has_value());
    EXPECT_EQ(rig.out.state, Output::State::kDone);
}

TEST(OllamaRelay, LeavesNamesAloneWithoutAServedOne) {
    Rig rig("/api/create", "{\"model\":\"new\",\"from\":\"old\"}", false, "");
    EXPECT_EQ(rig.sent, "{\"model\":\"new\",\"from\":\"old\"}");
    ASSERT_TRUE(rig.answer(200, "{\"status\":\"success\"}"));
    EXPECT_EQ(rig.out.bytes, "{\"status\":\"success\"}");
}

}  // namespace
}  // namespace segue::llm
