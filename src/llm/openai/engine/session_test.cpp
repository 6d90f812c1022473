#include "llm/openai/engine/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llm/openai/engine/overflow.hpp"
#include "llm/openai/engine/repairs.hpp"
#include "llm/openai/engine/test_support.hpp"

namespace segue::llm::openai_engine {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

using Calls = std::vector<EngineCall>;

EngineAnswer answer_of(int status, std::string body) {
    EngineAnswer answer;
    answer.status = status;
    answer.content_type = "application/json";
    answer.body = std::move(body);
    return answer;
}

EngineAnswer answer_of(const Json& exchange) {
    return answer_of(exchange["status"].get<int>(), body_of(exchange));
}

EngineAnswer bad_request(const std::string& message, const std::string& param = "") {
    return answer_of(400, Json{{"error",
                                {{"message", message},
                                 {"type", "BadRequestError"},
                                 {"param", param.empty() ? Json() : Json(param)},
                                 {"code", 400}}}}
                              .dump());
}

EngineCall only(Outcome<Calls> calls) {
    EXPECT_TRUE(calls) << calls.error().message;
    if (!calls || calls->size() != 1) {
        ADD_FAILURE() << "not one call";
        return {};
    }
    return calls->front();
}

Json body(const EngineCall& call) {
    return Json::parse(call.body);
}

TEST(OpenAiSession, AsksAndReadsAStream) {
    const auto session =
        make_openai_chat_session(ask("What is the capital of France?"), context_for(tiny_target()));
    const EngineCall call = only(session->start());
    EXPECT_EQ(call.path, "/v1/chat/completions");
    EXPECT_EQ(call.answer, EngineCall::Answer::kStream);
    Events events;
    session->on_bytes(call.id, body_of(recorded("chat_stream_usage")), events);
    session->on_end(call.id, events);
    const Answer answer = sum(events);
    EXPECT_EQ(answer.first().text, "The capital of France is Paris.");
    EXPECT_TRUE(answer.ended);
}

TEST(OpenAiSession, WholeWhereTheProfileSaysSo) {
    Profile profile;
    profile.upstream_stream = false;
    const auto session = make_openai_chat_session(ask("What?"), context_for(tiny_target(profile)));
    const EngineCall call = only(session->start());
    EXPECT_EQ(call.answer, EngineCall::Answer::kWhole);
    EXPECT_EQ(body(call)["stream"], false);
    Events events;
    EXPECT_TRUE(session->on_answer(call.id, answer_of(recorded("chat_plain")), events));
    EXPECT_EQ(sum(events).first().text, "The capital of France is Paris.");
}

TEST(OpenAiSession, C37FifthStopIsMatchedHere) {
    ChatRequest request = ask("Count");
    request.sampling.stop = {"a", "b", "c", "d", "5 6"};
    const auto session = make_openai_chat_session(request, context_for(tiny_target()));
    const EngineCall call = only(session->start());
    EXPECT_EQ(body(call)["stop"].size(), 4U);
    EXPECT_EQ(session->declarations().adjusted_header(), "stop");
    Events events;
    session->on_bytes(call.id, body_of(recorded("chat_stop_stream")), events);
    const Answer answer = sum(events);
    EXPECT_EQ(answer.first().text, "1 2 3 4 ");
    EXPECT_EQ(answer.first().finished->reason, FinishReason::kStop);
    EXPECT_TRUE(std::holds_alternative<Ended>(events.back()));
    session->on_end(call.id, events);
    EXPECT_TRUE(std::holds_alternative<Ended>(events.back()));
}

TEST(OpenAiSession, FailuresOfTheEngine) {
    const auto failure = [](EngineAnswer answer) {
        Target target = tiny_target();
        const auto session = make_openai_chat_session(ask("x"), context_for(target));
        const EngineCall call = only(session->start());
        Events events;
        const auto calls = session->on_answer(call.id, std::move(answer), events);
        EXPECT_FALSE(calls);
        return calls ? Failure{} : calls.error();
    };
    using Cause = Failure::Cause;
    EXPECT_EQ(failure(answer_of(recorded("err_unknown_model"))).cause, Cause::kModelNotFound);
    EXPECT_EQ(failure(answer_of(recorded("err_unknown_model"))).message, "model 'm' not found");
    EXPECT_EQ(failure(answer_of(recorded("get_nope"))).cause, Cause::kUnsupported);
    const Failure image = failure(answer_of(recorded("chat_image_to_text_model")));
    EXPECT_EQ(image.cause, Cause::kEngineRefused);
    EXPECT_EQ(image.message, "m is not a multimodal model");
    EXPECT_EQ(image.code, "400");
    EXPECT_EQ(failure(answer_of(401, R"({"error":"Unauthorized"})")).cause, Cause::kEngineAuth);
    EngineAnswer limited = answer_of(429, R"({"error":{"message":"slow"}})");
    limited.retry_after = std::chrono::seconds(3);
    EXPECT_EQ(failure(limited).cause, Cause::kRateLimited);
    EXPECT_EQ(failure(limited).retry_after, std::chrono::seconds(3));
    EXPECT_EQ(failure(answer_of(500, R"({"object":"error","message":"dead","code":500})")).status,
              500);
    EXPECT_EQ(failure(answer_of(503, "<html>")).cause, Cause::kUnreachable);
    EXPECT_EQ(failure(answer_of(200, R"({"object":"error","message":"odd","code":400})")).cause,
              Cause::kEngineRefused);
    EXPECT_EQ(failure(answer_of(302, "")).cause, Cause::kBroken);
}

TEST(OpenAiSession, LearnsFromA400AndRemembers) {
    Target target = tiny_target();
    ChatRequest request = ask("x");
    request.sampling.min_p = 0.1;
    const auto session = make_openai_chat_session(request, context_for(target));
    EngineCall call = only(session->start());
    Events events;
    call = only(session->on_answer(
        call.id,
        bad_request("[{'type': 'extra_forbidden', 'loc': ('body', 'min_p'), 'msg': 'Extra inputs "
                    "are not permitted', 'input': 0.1}, {'type': 'extra_forbidden', 'loc': "
                    "('body', 'chat_template_kwargs'), 'msg': 'Extra inputs are not permitted'}]"),
        events));
    EXPECT_FALSE(body(call).contains("min_p"));
    EXPECT_FALSE(body(call).contains("chat_template_kwargs"));
    EXPECT_EQ(session->declarations().ignored_header(), "min_p");
    call = only(session->on_answer(
        call.id, bad_request("Conversation roles must alternate user/assistant/user"), events));
    EXPECT_TRUE(target.traits->join_neighbours);
    // The same once more is no news.
    EXPECT_FALSE(session->on_answer(
        call.id, bad_request("Conversation roles must alternate user/assistant/user"), events));
    const auto next = make_openai_chat_session(request, context_for(target));
    EXPECT_FALSE(body(only(next->start())).contains("min_p"));
}

TEST(OpenAiSession, UnknownFieldsInEverySpelling) {
    const auto fields = [](std::string message, std::string param = "") {
        EngineError error;
        error.message = std::move(message);
        error.param = std::move(param);
        return unknown_fields(error);
    };
    EXPECT_THAT(fields("1 validation error:\n  {'type': 'extra_forbidden', 'loc': "
                       "'body.max_completion_tokens', 'msg': 'Extra inputs are not permitted'}"),
                ElementsAre("max_completion_tokens"));
    EXPECT_THAT(fields("[{'type': 'missing', 'loc': ('body', 'x'), 'msg': 'Field required'}, "
                       "{'type': 'extra_forbidden', 'loc': ('body', 'stream_options', "
                       "'include_usage'), 'msg': 'Extra inputs are not permitted'}]"),
                ElementsAre("stream_options"));
    EXPECT_THAT(fields(R"([{"type":"extra_forbidden","loc":["body","messages",0,"reasoning"],)"
                       R"("msg":"Extra inputs are not permitted"}])"),
                ElementsAre("messages.reasoning"));
    EXPECT_THAT(fields("Unrecognized request argument supplied: top_k"), ElementsAre("top_k"));
    EXPECT_THAT(fields("Unsupported parameter", "min_p"), ElementsAre("min_p"));
    EXPECT_THAT(fields("Unknown parameter", "messages"), ElementsAre());
    EXPECT_THAT(fields("temperature must be non-negative"), ElementsAre());
}

TEST(OpenAiSession, EffortFormatAndLimitAreRepaired) {
    Target target = tiny_target();
    target.max_model_len.reset();
    ChatRequest request = ask("x");
    request.think = {Think::Mode::kLevel, "max", {}};
    request.format = {ResponseFormat::Kind::kJsonSchema, "{}", ""};
    request.sampling.max_tokens = 5000;
    const auto session = make_openai_chat_session(request, context_for(target));
    EngineCall call = only(session->start());
    EXPECT_EQ(body(call)["max_tokens"], 5000);
    Events events;
    call =
        only(session->on_answer(call.id, answer_of(recorded("err_max_tokens_too_large")), events));
    EXPECT_EQ(body(call)["max_tokens"], 1023);
    call = only(session->on_answer(call.id, bad_request("bad", "reasoning_effort"), events));
    EXPECT_EQ(body(call)["reasoning_effort"], "high");
    call = only(session->on_answer(
        call.id, bad_request("response_format json_schema is not supported"), events));
    EXPECT_TRUE(body(call).contains("guided_json"));
}

/// Plays an engine that counts a token for each character of each text.
class Counting {
public:
    Counting(EngineSession& session, std::int64_t limit) : session_(session), limit_(limit) {}

    Outcome<Calls> run(Outcome<Calls> calls) {
        Events events;
        while (calls && calls->size() == 1) {
            const EngineCall call = calls->front();
            sent = body(call);
            if (call.path == "/tokenize") {
                ++counted;
                calls = session_.on_answer(
                    call.id,
                    answer_of(200, Json{{"count", count(sent)}, {"max_model_len", limit_}}.dump()),
                    events);
            } else if (count(sent) > limit_) {
                calls = session_.on_answer(call.id, answer_of(recorded("err_context_overflow")),
                                           events);
            } else {
                return calls;
            }
        }
        return calls;
    }

    static std::int64_t count(const Json& request) {
        std::int64_t tokens = 0;
        for (const auto& message : request["messages"]) {
            if (message["content"].is_string())
                tokens += static_cast<std::int64_t>(message["content"].get<std::string>().size());
        }
        return tokens;
    }

    Json sent;
    int counted = 0;

private:
    EngineSession& session_;
    std::int64_t limit_;
};

TEST(OpenAiSession, C26OldestMessagesGoCallsWithTheirResults) {
    ChatRequest request;
    request.model = "m";
    request.messages = {message_of("system", std::string(100, 's')),
                        message_of("user", std::string(500, 'a')),
                        Message{},
                        message_of("tool", std::string(400, 't')),
                        message_of("assistant", std::string(300, 'b')),
                        message_of("user", std::string(200, 'c'))};
    request.messages[2].role = "assistant";
    request.messages[2].tool_calls.push_back({"x", "f", "{}"});
    const auto session = make_openai_chat_session(request, context_for(tiny_target()));
    Counting engine(*session, 1024);
    ASSERT_TRUE(engine.run(session->start()));
    ASSERT_EQ(engine.sent["messages"].size(), 5U);
    EXPECT_EQ(engine.sent["messages"][1]["role"], "assistant");
    EXPECT_EQ(session->declarations().adjusted_header(), "messages(-1)");

    request.messages[4] = message_of("assistant", std::string(800, 'b'));
    const auto longer = make_openai_chat_session(request, context_for(tiny_target()));
    Counting again(*longer, 1024);
    ASSERT_TRUE(again.run(longer->start()));
    EXPECT_EQ(again.sent["messages"].size(), 2U);
    EXPECT_EQ(longer->declarations().adjusted_header(), "messages(-4)");
}

TEST(OpenAiSession, C27OneMessageTooLong) {
    std::string text;
    for (int i = 0; i < 9000; ++i)
        text += i % 10 == 0 ? "é" : "x";
    ChatRequest request = ask(text);
    {
        const auto session = make_openai_chat_session(request, context_for(tiny_target()));
        Counting engine(*session, 1024);
        ASSERT_TRUE(engine.run(session->start()));
        EXPECT_LE(Counting::count(engine.sent), 1023);
        EXPECT_GT(Counting::count(engine.sent), 900);
        EXPECT_LE(engine.counted, 5);
        EXPECT_THAT(session->declarations().adjusted_header(), HasSubstr("text(-"));
    }
    Profile strict;
    strict.overflow = Overflow::kError;
    const auto refused = make_openai_chat_session(request, context_for(tiny_target(strict)));
    Counting engine(*refused, 1024);
    const auto calls = engine.run(refused->start());
    ASSERT_FALSE(calls);
    EXPECT_EQ(calls.error().cause, Failure::Cause::kContextTooLong);

    request.truncate = false;
    const auto never = make_openai_chat_session(request, context_for(tiny_target()));
    Counting counting(*never, 1024);
    const auto failed = counting.run(never->start());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().prompt_tokens, static_cast<std::int64_t>(text.size()));
    EXPECT_EQ(failed.error().limit_tokens, 1024);
}

TEST(OpenAiSession, ShortensByEstimateWithoutATokenizer) {
    ChatRequest request = ask(std::string(20000, 'x'));
    const auto session = make_openai_chat_session(request, context_for(tiny_target()));
    EngineCall call = only(session->start());
    Events events;
    call = only(session->on_answer(call.id, answer_of(recorded("err_context_overflow")), events));
    ASSERT_EQ(call.path, "/tokenize");
    call = only(session->on_answer(call.id, answer_of(404, "nope"), events));
    EXPECT_EQ(call.path, "/v1/chat/completions");
    const auto first = call.body.size();
    EXPECT_LT(first, 4000U);
    // Still too long: less, not the same again.
    call = only(session->on_answer(call.id, answer_of(recorded("err_context_overflow")), events));
    if (call.path == "/tokenize")
        call = only(session->on_answer(call.id, answer_of(404, ""), events));
    EXPECT_LT(call.body.size(), first);
}

TEST(OpenAiSession, C34ContextExact) {
    ChatRequest request = ask("next");
    request.want_token_ids = true;
    request.context = {9, 20, 21};
    const auto session = make_openai_chat_session(request, context_for(tiny_target()));
    const auto calls = session->start();
    ASSERT_TRUE(calls);
    ASSERT_EQ(calls->size(), 2U);
    Events events;
    const auto none =
        session->on_answer((*calls)[1].id, answer_of(200, R"({"count":1,"tokens":[9]})"), events);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
    const EngineCall call = only(session->on_answer(
        (*calls)[0].id, answer_of(200, R"({"count":3,"tokens":[9,30,31]})"), events));
    EXPECT_EQ(call.path, "/v1/completions");
    EXPECT_EQ(body(call)["prompt"], Json::parse("[9,20,21,30,31]"));
    EXPECT_EQ(body(call)["return_token_ids"], true);
}

TEST(OpenAiSession, C33Suffix) {
    CompletionRequest request;
    request.model = "m";
    request.prompts = {"def add("};
    request.suffix = "return";
    request.has_suffix = true;
    Target target = tiny_target();
    const auto session = make_openai_completion_session(request, context_for(target));
    const EngineCall call = only(session->start());
    Events events;
    const auto calls =
        session->on_answer(call.id, answer_of(recorded("completion_suffix")), events);
    ASSERT_FALSE(calls);
    EXPECT_THAT(calls.error().message, testing::EndsWith("does not support insert"));
    EXPECT_EQ(calls.error().status, 400);
    EXPECT_EQ(target.traits->insert, EngineTraits::Tri::kNo);
    Profile fim;
    fim.fim_template = "{prefix}|{suffix}";
    const auto with = make_openai_completion_session(request, context_for(tiny_target(fim)));
    const EngineCall first = only(with->start());
    const EngineCall second =
        only(with->on_answer(first.id, answer_of(recorded("completion_suffix")), events));
    EXPECT_EQ(body(second)["prompt"], "def add(|return");
}

TEST(OpenAiSession, C29RawCompletion) {
    CompletionRequest request;
    request.model = "m";
    request.prompts = {"raw"};
    const auto session = make_openai_completion_session(request, context_for(tiny_target()));
    const EngineCall call = only(session->start());
    Events events;
    session->on_bytes(call.id, body_of(recorded("completion_stream_usage")), events);
    session->on_end(call.id, events);
    const Answer answer = sum(events);
    EXPECT_EQ(answer.first().text, "3 plus 4 is 7.");
    EXPECT_EQ(answer.usage.prompt_tokens, 20);
    EXPECT_EQ(answer.usage.completion_tokens, 7);
}

TEST(OpenAiSession, C49C52Embeddings) {
    EmbedRequest request;
    request.model = "m";
    request.inputs = {"a", ""};
    const auto session = make_openai_embed_session(request, context_for(tiny_target()));
    const EngineCall call = only(session->start());
    EXPECT_EQ(call.path, "/v1/embeddings");
    EXPECT_EQ(body(call), Json::parse(R"({"model":"segue-tiny","input":["a"," "],
        "encoding_format":"float","truncate_prompt_tokens":-1})"));
    EXPECT_EQ(session->declarations().adjusted_header(), "input");
    Events events;
    ASSERT_TRUE(session->on_answer(
        call.id,
        answer_of(
            200,
            R"({"data":[{"index":1,"embedding":"AACAPwAAAEA="},{"index":0,"embedding":[3,4.5]}],)"
            R"("usage":{"prompt_tokens":2}})"),
        events));
    ASSERT_GE(events.size(), 2U);
    const auto& rows = std::get<Vectors>(events[1]).rows;
    EXPECT_THAT(rows, ElementsAre(ElementsAre(3, 4.5), ElementsAre(1, 2)));

    const auto chatty = make_openai_embed_session(request, context_for(tiny_target()));
    const EngineCall refused = only(chatty->start());
    const auto failed =
        chatty->on_answer(refused.id, answer_of(recorded("embeddings_unsupported")), events);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failure_status(Dialect::kOllama, failed.error()), 501);
    EXPECT_EQ(failed.error().message,
              "This server does not support embeddings. Start it with `--embeddings`");
}

TEST(OpenAiSession, C102Counting) {
    const auto session = make_openai_count_session(ask("Hello"), context_for(tiny_target()));
    const EngineCall call = only(session->start());
    EXPECT_EQ(call.path, "/tokenize");
    EXPECT_TRUE(body(call)["chat_template_kwargs"]["thinking"]);
    Events events;
    ASSERT_TRUE(session->on_answer(call.id, answer_of(recorded("tokenize_chat")), events));
    EXPECT_EQ(sum(events).usage.prompt_tokens, 15);
    EXPECT_TRUE(sum(events).ended);
    const auto without =
        make_openai_count_session(ask("Hello wide world"), context_for(tiny_target()));
    Events guessed;
    const EngineCall asked = only(without->start());
    ASSERT_TRUE(without->on_answer(asked.id, answer_of(recorded("get_nope")), guessed));
    EXPECT_EQ(sum(guessed).usage.prompt_tokens, 4);
    EXPECT_EQ(without->declarations().adjusted_header(), "input_tokens");
}

}  // namespace
}  // namespace segue::llm::openai_engine
