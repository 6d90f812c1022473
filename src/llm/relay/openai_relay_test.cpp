#include "llm/relay/openai_relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "llm/relay/recordings.hpp"

namespace segue::llm {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kFile = SEGUE_SOURCE_DIR "/tests/data/wire/vllm-0.32.0.jsonl";
const std::string kServed = "segue-tiny";
const std::string kClient = "qwen3:8b";

std::string renamed(std::string text) {
    return replace_all(text, "\"model\":\"" + kServed + "\"", "\"model\":\"" + kClient + "\"");
}

struct Rig {
    explicit Rig(OpenAiRelayRequest request, Policy policy = {}) {
        context.target.dialect = Dialect::kOpenAi;
        context.target.served_model = kServed;
        context.target.profile = std::make_shared<Profile>();
        context.target.traits = traits;
        context.policy = policy;
        request.client_model = kClient;
        bridge = make_openai_relay(context, std::move(request));
    }
    /// The body that goes to the engine.
    std::string start() {
        auto calls = bridge->start({}, out);
        EXPECT_TRUE(calls.has_value());
        if (!calls || calls->empty()) return {};
        id = calls->front().id;
        return calls->front().body;
    }
    void head(std::string type = "text/event-stream; charset=utf-8") {
        EngineAnswer answer;
        answer.status = 200;
        answer.content_type = std::move(type);
        bridge->on_head(id, answer, {}, out);
    }
    Outcome<std::vector<EngineCall>> answer(int status, std::string body) {
        EngineAnswer whole;
        whole.status = status;
        whole.content_type = "application/json";
        whole.body = std::move(body);
        return bridge->on_answer(id, std::move(whole), {}, out);
    }
    /// A whole stream in pieces of `step` bytes.
    void stream(std::string_view body, std::size_t step = 1 << 20) {
        head();
        for (std::size_t at = 0; at < body.size(); at += step) {
            bridge->on_bytes(id, body.substr(at, step), {}, out);
        }
        bridge->on_end(id, {}, out);
    }

    BridgeContext context;
    std::shared_ptr<EngineTraits> traits = std::make_shared<EngineTraits>();
    std::unique_ptr<Bridge> bridge;
    Output out;
    std::uint32_t id = 0;
};

OpenAiRelayRequest chat(std::string body, bool stream = false) {
    OpenAiRelayRequest request;
    request.path = "/v1/chat/completions";
    request.body = std::make_shared<const std::string>(std::move(body));
    request.stream = stream;
    return request;
}

OpenAiRelayRequest as_recorded(const testing::Recording& recording) {
    OpenAiRelayRequest request = chat(recording.request);
    request.path = recording.path;
    if (recording.path == "/v1/completions") request.kind = OpenAiRelayKind::kCompletions;
    if (recording.path == "/v1/responses") request.kind = OpenAiRelayKind::kResponses;
    if (recording.path == "/v1/embeddings") request.kind = OpenAiRelayKind::kEmbeddings;
    request.stream = recording.request.find("\"stream\":true") != std::string::npos;
    return request;
}

/// One chunk of a chat stream.
std::string chunk(const std::string& delta, const std::string& finish = "null", int index = 0) {
    return "data: {\"id\":\"c\",\"model\":\"segue-tiny\",\"choices\":[{\"index\":" +
           std::to_string(index) + ",\"delta\":" + delta + ",\"finish_reason\":" + finish +
           "}]}\n\n";
}
const std::string kEnd = "data: [DONE]\n\n";

TEST(OpenAiRelay, PassesEveryRecordedStreamByteForByte) {  // C66, C67, C79
    std::size_t streams = 0;
    for (const auto& recording : testing::recordings(kFile)) {
        if (recording.status != 200 || !recording.content_type.starts_with("text/event-stream") ||
            recording.path == "/v1/messages") {
            continue;
        }
        ++streams;
        const bool asked = recording.request.find("\"include_usage\":true") != std::string::npos;
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
            Rig rig(as_recorded(recording));
            rig.start();
            rig.stream(recording.body, step);
            std::string expected = renamed(recording.body);
            ASSERT_EQ(rig.out.state, Output::State::kDone) << recording.id;
            ASSERT_EQ(rig.out.bytes, expected) << recording.id;
            EXPECT_EQ(rig.out.content_type, recording.content_type);
            EXPECT_GT(rig.bridge->observation().content_events, 0U) << recording.id;
            if (asked) {
                EXPECT_TRUE(rig.bridge->observation().usage.prompt_tokens.has_value());
            }
        }
    }
    EXPECT_GT(streams, 6U);
}

TEST(OpenAiRelay, PassesEveryRecordedAnswer) {  // C65
    std::size_t answers = 0;
    for (const auto& recording : testing::recordings(kFile)) {
        if (recording.status != 200 || recording.content_type != "application/json" ||
            (recording.path != "/v1/chat/completions" && recording.path != "/v1/completions" &&
             recording.path != "/v1/responses")) {
            continue;
        }
        ++answers;
        Rig rig(as_recorded(recording));
        rig.start();
        ASSERT_TRUE(rig.answer(200, recording.body)) << recording.id;
        std::string expected = renamed(recording.body);
        if (recording.id == "chat_tools_named") {
            expected = replace_all(expected, "\"finish_reason\":\"stop\"",
                                   "\"finish_reason\":\"tool_calls\"");
        }
        ASSERT_EQ(rig.out.state, Output::State::kDone);
        EXPECT_EQ(rig.out.bytes, expected) << recording.id;
        EXPECT_TRUE(rig.bridge->observation().usage.completion_tokens.has_value());
    }
    EXPECT_GT(answers, 15U);
}

TEST(OpenAiRelay, CountsTheUsageTheClientDidNotAskFor) {  // C66
    const auto recording = testing::recording(kFile, "chat_stream_usage");
    Rig rig(chat("{\"model\":\"qwen3:8b\",\"messages\":[],\"stream\":true}", true));
    EXPECT_EQ(rig.start(),
              "{\"model\":\"segue-tiny\",\"messages\":[],\"stream\":true,\"stream_options\":{"
              "\"include_usage\":true}}");
    rig.stream(recording.body, 11);
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_THAT(rig.out.bytes, Not(HasSubstr("\"choices\":[]")));
    EXPECT_THAT(rig.out.bytes, EndsWith(kEnd));
    EXPECT_EQ(rig.bridge->observation().usage.prompt_tokens, 24);
    EXPECT_EQ(rig.bridge->observation().usage.completion_tokens, 11);
}

TEST(OpenAiRelay, CopiesWhenNothingIsToBeChanged) {
    const std::string body =
        "{ \"model\" : \"segue-tiny\", \"messages\": [ {\"role\":\"user\",\"content\":\"x\"} ] }";
    Rig rig(chat(body));
    EXPECT_EQ(rig.start(), body);
}

TEST(OpenAiRelay, ABodyThatWasReadAlreadyIsNotReadAgain) {
    const std::string body = "{\"model\":\"qwen3:8b\",\"messages\":[],\"n\":2}";
    OpenAiRelayRequest request = chat(body);
    json::Parser parser;
    const auto root = parser.parse(body);
    ASSERT_TRUE(root.has_value());
    request.body =
        std::make_shared<const std::string>("not JSON: only what was parsed may be looked at");
    request.parsed = ParsedBody{std::move(parser), *root};
    Rig rig(std::move(request));
    EXPECT_EQ(rig.start(), "{\"model\":\"segue-tiny\",\"messages\":[],\"n\":2}");
}

TEST(OpenAiRelay, RepairsRequests) {  // C71
    Rig rig(
        chat("{\"messages\":[{\"role\":\"user\",\"content\":null},{\"role\":\"assistant\","
             "\"content\":\"a\","
             "\"reasoning_content\":\"r\"}],\"tools\":[],\"tool_choice\":\"auto\",\"stop\":[\"\","
             "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"],"
             "\"num_ctx\":4096,\"x\":1e2}"));
    EXPECT_EQ(rig.start(),
              "{\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"assistant\","
              "\"content\":\"a\","
              "\"reasoning\":\"r\"}],\"stop\":[\"1\",\"2\",\"3\",\"4\"],\"x\":1e2,\"model\":"
              "\"segue-tiny\"}");
    EXPECT_EQ(rig.bridge->declarations().ignored_header(), "num_ctx");
    EXPECT_EQ(rig.bridge->declarations().adjusted_header(), "stop");
    Rig empty(chat("{\"model\":\"m\",\"stop\":[\"\"]}"));
    EXPECT_EQ(empty.start(), "{\"model\":\"segue-tiny\"}");
}

TEST(OpenAiRelay, RenamesGuidedDecoding) {
    Rig rig(chat("{\"model\":\"m\",\"guided_json\":{\"a\":1},\"guided_decoding_backend\":\"x\"}"));
    rig.traits->structured_outputs = EngineTraits::Tri::kYes;
    EXPECT_EQ(rig.start(),
              "{\"model\":\"segue-tiny\",\"structured_outputs\":{\"json\":{\"a\":1}}}");
    Rig old(chat("{\"model\":\"m\",\"guided_json\":{\"a\":1}}"));
    EXPECT_EQ(old.start(), "{\"model\":\"segue-tiny\",\"guided_json\":{\"a\":1}}");
}

TEST(OpenAiRelay, LearnsWhatTheEngineCallsUnknown) {
    Rig rig(chat("{\"model\":\"m\",\"max_completion_tokens\":6,\"max_tokens\":60,\"fancy\":1}"));
    rig.start();
    const auto again = rig.answer(
        400,
        "{\"object\":\"error\",\"message\":\"[{'type': 'extra_forbidden', 'loc': ('body', "
        "'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 6}, {'type': "
        "'extra_forbidden', 'loc': ('body', 'fancy'), 'input': 1}]\",\"code\":400}");
    ASSERT_TRUE(again);
    ASSERT_EQ(again->size(), 1U);
    EXPECT_EQ(again->front().body, "{\"model\":\"segue-tiny\",\"max_tokens\":6}");
    EXPECT_EQ(rig.bridge->declarations().ignored_header(), "fancy");
}

TEST(OpenAiRelay, RepairsAnswers) {  // C69, C72, C74
    Rig rig(chat("{\"model\":\"m\",\"tool_choice\":{\"type\":\"function\"}}", true));
    rig.start();
    rig.stream(chunk("{\"reasoning_content\":\"r\"}") +
               chunk("{\"content\":\"a\",\"tool_calls\":[]}") +
               chunk("{\"tool_calls\":[{\"index\":0}]}") + chunk("{}", "\"stop\"") + kEnd);
    EXPECT_EQ(rig.out.bytes, renamed(chunk("{\"reasoning\":\"r\"}") + chunk("{\"content\":\"a\"}") +
                                     chunk("{\"tool_calls\":[{\"index\":0}]}") +
                                     chunk("{}", "\"tool_calls\"") + kEnd));
    Policy both;
    both.both_reasoning_fields = true;
    Rig two(chat("{\"model\":\"m\"}", true), both);
    two.start();
    two.stream(chunk("{\"reasoning\":\"r\"}", "\"stop\"") + kEnd);
    EXPECT_THAT(two.out.bytes, HasSubstr("{\"reasoning\":\"r\",\"reasoning_content\":\"r\"}"));
}

TEST(OpenAiRelay, MatchesTheStopsBeyondFour) {
    const std::string body = "{\"model\":\"m\",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"END\"]}";
    Rig rig(chat(body, true));
    rig.start();
    rig.stream(chunk("{\"content\":\"a E\"}") + chunk("{\"content\":\"N\"}") +
               chunk("{\"content\":\"DE\"}") + chunk("{\"content\":\"never\"}") +
               chunk("{}", "\"stop\"") + kEnd);
    EXPECT_EQ(rig.out.state, Output::State::kDone);
    EXPECT_THAT(rig.out.bytes, StartsWith(renamed(chunk("{\"content\":\"a \"}"))));
    EXPECT_THAT(rig.out.bytes, HasSubstr("\"stop_reason\":\"END\""));
    EXPECT_THAT(rig.out.bytes, Not(HasSubstr("never")));
    EXPECT_THAT(rig.out.bytes, EndsWith(kEnd));
    EXPECT_EQ(rig.out.cancel.size(), 1U);
    Rig held(chat(body, true));
    held.start();
    held.stream(chunk("{\"content\":\"a EN\"}") + chunk("{}", "\"stop\"") + kEnd);
    EXPECT_EQ(held.out.bytes, renamed(chunk("{\"content\":\"a \"}") +
                                      chunk("{\"content\":\"EN\"}", "\"stop\"") + kEnd));
    Rig whole(chat(body));
    whole.start();
    ASSERT_TRUE(whole.answer(200,
                             "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a END "
                             "b\"},\"finish_reason\":\"length\"}]}"));
    EXPECT_THAT(
        whole.out.bytes,
        HasSubstr("{\"content\":\"a \"},\"finish_reason\":\"stop\",\"stop_reason\":\"END\""));
}

TEST(OpenAiRelay, PassesEngineErrorsInTheClientsNames) {  // C68, C70, C78
    const auto unknown = testing::recording(kFile, "err_unknown_model");
    Rig rig(chat("{\"model\":\"m\"}"));
    rig.start();
    ASSERT_TRUE(rig.answer(404, unknown.body));
    EXPECT_EQ(rig.out.status, 404);
    EXPECT_THAT(rig.out.bytes, HasSubstr("Valid aliases: " + kClient + "."));
    EXPECT_THAT(rig.out.bytes, HasSubstr("\"code\":\"model_not_found\""));
    const auto too_long = testing::recording(kFile, "err_context_overflow_stream");
    Rig longer(chat("{\"model\":\"m\"}", true));
    longer.start();
    ASSERT_TRUE(longer.answer(400, too_long.body));
    EXPECT_EQ(longer.out.bytes,
              replace_all(too_long.body, "\"code\":400", "\"code\":\"context_length_exceeded\""));
    const auto n2 = testing::recording(kFile, "chat_n2");
    Rig passed(chat("{\"model\":\"m\"}"));
    passed.start();
    ASSERT_TRUE(passed.answer(400, n2.body));
    EXPECT_EQ(passed.out.bytes, n2.body);
    EXPECT_EQ(passed.out.state, Output::State::kDone);
}

TEST(OpenAiRelay, MakesFailuresOfWhatAnotherTargetMayAnswer) {  // C77, C116
    const auto cause = [](int status, std::string body) {
        Rig rig(chat("{\"model\":\"m\"}"));
        rig.start();
        const auto result = rig.answer(status, std::move(body));
        EXPECT_FALSE(result);
        return result ? Failure::Cause::kInternal : result.error().cause;
    };
    EXPECT_EQ(cause(401, "{\"error\":\"Unauthorized\"}"), Failure::Cause::kEngineAuth);
    EXPECT_EQ(cause(429, "slow"), Failure::Cause::kRateLimited);
    EXPECT_EQ(cause(503, "{}"), Failure::Cause::kUnreachable);
    EXPECT_EQ(cause(503, "{\"error\":{\"message\":\"dead\"}}"), Failure::Cause::kEngineFailed);
    EXPECT_EQ(cause(404, "<html>"), Failure::Cause::kNotFound);
    EXPECT_EQ(cause(404, "{\"detail\":\"Not Found\"}"), Failure::Cause::kNotFound);
    EXPECT_EQ(cause(200, "{\"object\":\"error\",\"message\":\"x\",\"code\":500}"),
              Failure::Cause::kEngineFailed);
    Rig flat(chat("{\"model\":\"m\"}"));
    flat.start();
    ASSERT_TRUE(
        flat.answer(400,
                    "{\"object\":\"error\",\"message\":\"bad "
                    "segue-tiny\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}"));
    EXPECT_EQ(flat.out.bytes,
              "{\"error\":{\"message\":\"bad "
              "qwen3:8b\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}");
}

TEST(OpenAiRelay, BreaksWhereTheEngineBreaks) {  // C109 to C112
    const std::string error = "data: {\"error\":{\"message\":\"boom\",\"code\":400}}\n\n";
    const auto run = [](const std::string& body) {
        auto rig = std::make_unique<Rig>(chat("{\"model\":\"m\"}", true));
        rig->start();
        rig->stream(body, 5);
        return rig;
    };
    const auto first = run(error + kEnd);
    EXPECT_EQ(first->out.state, Output::State::kFailed);
    EXPECT_EQ(first->out.failure->status, 400);
    for (const std::string& body :
         {chunk("{\"content\":\"a\"}") + error + kEnd, chunk("{\"content\":\"a\"}"),
          chunk("{\"content\":\"a\"}") + "data: {\"half",
          chunk("{\"content\":\"a\"}") + "data: x\n\n"}) {
        const auto broken = run(body);
        EXPECT_EQ(broken->out.state, Output::State::kBroken) << body;
        EXPECT_THAT(broken->out.bytes, StartsWith(renamed(chunk("{\"content\":\"a\"}"))));
        EXPECT_THAT(broken->out.bytes, HasSubstr("upstream_failed"));
        EXPECT_THAT(broken->out.bytes, Not(HasSubstr("[DONE]")));
    }
    const auto no_done = run(chunk("{\"content\":\"a\"}", "\"stop\""));
    EXPECT_EQ(no_done->out.state, Output::State::kDone);
    EXPECT_THAT(no_done->out.bytes, EndsWith(kEnd));
    const auto one_of_two =
        run(chunk("{\"content\":\"a\"}", "\"stop\"", 0) + chunk("{\"content\":\"a\"}", "null", 1));
    EXPECT_EQ(one_of_two->out.state, Output::State::kBroken);
}

TEST(OpenAiRelay, KeepsAliveWithAComment) {  // C107
    Rig rig(chat("{\"model\":\"m\"}", true));
    rig.start();
    rig.bridge->keep_alive({}, rig.out);
    EXPECT_EQ(rig.out.state, Output::State::kAnswering);
    EXPECT_EQ(rig.out.bytes, ": keep-alive\n\n");
}

}  // namespace
}  // namespace segue::llm
