#include "llm/ollama/engine/session.hpp"

#include <gtest/gtest.h>

#include "llm/ollama/engine/encode.hpp"
#include "llm/ollama/engine/test_support.hpp"
#include "llm/ollama/engine/tools.hpp"

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;
using ollama_test::answer_of;
using ollama_test::ollama_context;
using ollama_test::recording;

Message user(std::string text) {
    Message message;
    message.role = "user";
    message.parts.emplace_back(TextPart{std::move(text)});
    return message;
}

ChatRequest simple_chat() {
    ChatRequest request;
    request.model = "Mine";
    request.messages.push_back(user("Hello"));
    return request;
}

Json body_of(const ChatRequest& request, const BridgeContext& context,
             Declarations* declared = nullptr) {
    Declarations own;
    const auto body = ollama::encode_chat(request, context.target, declared ? *declared : own);
    EXPECT_TRUE(body.has_value()) << (body ? "" : body.error().message);
    return body ? Json::parse(*body) : Json();
}

EngineAnswer refusal(std::string text) {
    EngineAnswer answer;
    answer.status = 400;
    answer.body = Json{{"error", std::move(text)}}.dump();
    return answer;
}

std::string line(std::string_view content, int prompt, int count) {
    return Json{{"message", {{"role", "assistant"}, {"content", content}}},
                {"done", true},
                {"done_reason", "stop"},
                {"prompt_eval_count", prompt},
                {"eval_count", count}}
               .dump() +
           "\n";
}

TEST(OllamaEncodeChat, SimpleBody) {
    EXPECT_EQ(
        body_of(simple_chat(), ollama_context()).dump(),
        R"({"model":"segue-tiny","messages":[{"role":"user","content":"Hello"}],"stream":true})");
}

TEST(OllamaEncodeChat, OptionsAndContextLengthOfTheProfile) {
    Profile profile;
    profile.parameters.num_ctx = 8192;
    ChatRequest request = simple_chat();
    request.sampling.max_tokens = 6;
    request.sampling.temperature = 0.5;
    request.sampling.stop = {{"7"}};
    request.extras = {
        {"num_gpu", "1"}, {"logit_bias", "{\"5\":1}"}, {"user", "\"u\""}, {"length_penalty", "1"}};
    Declarations declared;
    const Json body = body_of(request, ollama_context(profile), &declared);
    EXPECT_EQ(
        body["options"],
        Json::parse(
            R"({"num_ctx":8192,"temperature":0.5,"num_predict":6,"stop":["7"],"num_gpu":1})"));
    EXPECT_EQ(declared.ignored(), (std::vector<std::string>{"logit_bias", "user"}));
    EXPECT_TRUE(declared.strict_refusal().has_value());
    request.sampling.num_ctx = 512;
    EXPECT_EQ(body_of(request, ollama_context(profile))["options"]["num_ctx"], 512);
}

TEST(OllamaEncodeChat, ToolResultsGetTheirNameThroughTheId) {
    ChatRequest request = simple_chat();
    Message call;
    call.role = "assistant";
    call.tool_calls.push_back({"call_1", "get_weather", R"({"city": "Paris"})"});
    Message result;
    result.role = "tool";
    result.tool_call_id = "call_1";
    result.parts.emplace_back(TextPart{"21"});
    request.messages.push_back(call);
    request.messages.push_back(result);
    const Json body = body_of(request, ollama_context());
    EXPECT_EQ(body["messages"][1]["tool_calls"][0]["function"]["arguments"],
              Json::parse(R"({"city":"Paris"})"));
    EXPECT_EQ(body["messages"][2]["tool_name"], "get_weather");
    EXPECT_EQ(body["messages"][2]["tool_call_id"], "call_1");
}

TEST(OllamaEncodeChat, FormatsImagesAndLogprobs) {
    ChatRequest request = simple_chat();
    request.messages[0].parts.emplace_back(TextPart{"there"});
    request.messages[0].parts.emplace_back(ImagePart{"image/png", "AAAA", ""});
    request.format = {ResponseFormat::Kind::kJsonSchema, R"({"type":"object","b":1,"a":2})", ""};
    request.logprobs = true;
    request.top_logprobs = 2;
    const Json body = body_of(request, ollama_context());
    EXPECT_EQ(body["messages"][0]["content"], "Hello\nthere");
    EXPECT_EQ(body["messages"][0]["images"], Json::parse(R"(["AAAA"])"));
    EXPECT_EQ(body["format"].dump(), R"({"type":"object","b":1,"a":2})");
    EXPECT_EQ(body["logprobs"], true);
    EXPECT_EQ(body["top_logprobs"], 2);
}

TEST(OllamaEncodeChat, RefusesWhatCannotBeDone) {
    Declarations declared;
    ChatRequest request = simple_chat();
    request.messages[0].parts.emplace_back(ImagePart{"", "", "http://example.com/a.png"});
    const auto image = ollama::encode_chat(request, ollama_context().target, declared);
    ASSERT_FALSE(image.has_value());
    EXPECT_EQ(image.error().param, "messages[0].content");
}

TEST(OllamaEncodeChat, ThinkFollowsModelAndEngine) {
    ChatRequest request = simple_chat();
    request.think = {Think::Mode::kLevel, "max", {}};
    BridgeContext context = ollama_context();
    EXPECT_EQ(body_of(request, context)["think"], "max");
    context.target.traits->no_max_think = true;
    EXPECT_EQ(body_of(request, context)["think"], "high");
    context.target.traits->boolean_think_only = true;
    EXPECT_EQ(body_of(request, context)["think"], true);
    context.target.capabilities = {"completion", "tools"};
    EXPECT_FALSE(body_of(request, context).contains("think"));
    context.target.capabilities = {"completion", "thinking"};
    EXPECT_EQ(body_of(request, context)["think"], true);
}

TEST(OllamaEncodeGenerate, RawUnlessThereIsASuffix) {
    Declarations declared;
    CompletionRequest request;
    const auto raw =
        ollama::encode_generate(request, "3 plus 4", ollama_context().target, declared);
    EXPECT_EQ(*raw, R"({"model":"segue-tiny","prompt":"3 plus 4","raw":true,"stream":true})");
    request.suffix = "end";
    request.has_suffix = true;
    const auto suffix = ollama::encode_generate(request, "def", ollama_context().target, declared);
    EXPECT_EQ(*suffix, R"({"model":"segue-tiny","prompt":"def","suffix":"end","stream":true})");
}

TEST(OllamaTools, ListsOfTypesBecomeTheirFirst) {
    EXPECT_EQ(
        ollama::single_types(
            R"({"properties":{"type":{"type":["null","integer"]}},"n":12345678901234567890})"),
        R"({"properties":{"type":{"type":"integer"}},"n":12345678901234567890})");
    EXPECT_EQ(ollama::single_types(R"({"type":[1,2]})"), R"({"type":[1,2]})");
}

TEST(OllamaSession, LearnsOnceThatTheModelCannotThink) {
    const BridgeContext context = ollama_context();
    ChatRequest request = simple_chat();
    request.think = {Think::Mode::kLevel, "high", {}};
    auto session = make_ollama_chat_session(request, context);
    const auto calls = session->start();
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(calls->at(0).path, "/api/chat");
    EXPECT_EQ(calls->at(0).answer, EngineCall::Answer::kStream);
    Events events;
    const auto retry = session->on_answer(
        calls->at(0).id, refusal("\"segue-tiny\" does not support thinking"), events);
    ASSERT_TRUE(retry && retry->size() == 1);
    EXPECT_NE(retry->at(0).id, calls->at(0).id);
    EXPECT_FALSE(Json::parse(retry->at(0).body).contains("think"));
    // The next request is right at once.
    auto next = make_ollama_chat_session(request, context);
    EXPECT_FALSE(Json::parse(next->start()->at(0).body).contains("think"));
}

TEST(OllamaSession, LearnsLevels) {
    const BridgeContext context = ollama_context();
    ChatRequest request = simple_chat();
    request.think = {Think::Mode::kLevel, "max", {}};
    auto session = make_ollama_chat_session(request, context);
    Events events;
    auto calls = session->start();
    calls = session->on_answer(
        calls->at(0).id,
        refusal(R"(invalid think value: "max" (must be "high", "medium", "low", true, or false))"),
        events);
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(Json::parse(calls->at(0).body)["think"], "high");
    calls = session->on_answer(
        calls->at(0).id,
        refusal(
            "json: cannot unmarshal string into Go struct field ChatRequest.think of type bool"),
        events);
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(Json::parse(calls->at(0).body)["think"], true);
}

TEST(OllamaSession, LearnsThatTypesMayNotBeLists) {
    ChatRequest request = simple_chat();
    request.tools = {
        R"({"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"type":["string","null"]}}}}})"};
    auto session = make_ollama_chat_session(request, ollama_context());
    Events events;
    auto calls = session->start();
    calls = session->on_answer(calls->at(0).id,
                               refusal("json: cannot unmarshal array into Go struct field "
                                       ".tools.function.parameters.properties.type of type string"),
                               events);
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(
        Json::parse(
            calls->at(0).body)["tools"][0]["function"]["parameters"]["properties"]["a"]["type"],
        "string");
}

TEST(OllamaSession, OtherRefusalsAreFailures) {
    auto session = make_ollama_chat_session(simple_chat(), ollama_context());
    Events events;
    auto calls = session->start();
    calls = session->on_answer(
        calls->at(0).id,
        refusal("registry.ollama.ai/library/segue-tiny:latest does not support tools"), events);
    ASSERT_FALSE(calls.has_value());
    EXPECT_EQ(calls.error().cause, Failure::Cause::kEngineRefused);
    EXPECT_EQ(calls.error().message, "Mine does not support tools");
}

// C88: prompt tokens count once, completion tokens are summed, and only the last end is the end.
TEST(OllamaSession, SeveralChoicesAreOneAnswer) {
    ChatRequest request = simple_chat();
    request.choices = 3;
    request.sampling.seed = 7;
    auto session = make_ollama_chat_session(request, ollama_context());
    const auto calls = session->start();
    ASSERT_TRUE(calls && calls->size() == 3);
    EXPECT_EQ(Json::parse(calls->at(2).body)["options"]["seed"], 9);
    Events events;
    session->on_bytes(calls->at(1).id, line("b", 10, 2), events);
    session->on_bytes(calls->at(0).id, line("a", 10, 1), events);
    EXPECT_FALSE(std::holds_alternative<Ended>(events.back()));
    session->on_bytes(calls->at(2).id, line("c", 10, 3), events);
    session->on_end(calls->at(2).id, events);
    Answer answer;
    for (const Event& event : events)
        answer.add(event);
    EXPECT_TRUE(answer.ended);
    ASSERT_EQ(answer.choices.size(), 3U);
    EXPECT_EQ(answer.choices[1].text, "b");
    EXPECT_EQ(answer.usage.prompt_tokens, 10);
    EXPECT_EQ(answer.usage.completion_tokens, 6);
    EXPECT_EQ(std::count(events.begin(), events.end(), Event(Started{})), 1);
    EXPECT_EQ(std::count(events.begin(), events.end(), Event(Ended{})), 1);
}

TEST(OllamaSession, OneFailureIsTheFailureOfAll) {
    ChatRequest request = simple_chat();
    request.choices = 2;
    auto session = make_ollama_chat_session(request, ollama_context());
    const auto calls = session->start();
    Events events;
    session->on_bytes(calls->at(0).id, "{\"error\":\"boom\"}\n", events);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Failed>(events[0]));
    session->on_bytes(calls->at(1).id, line("b", 1, 1), events);
    EXPECT_EQ(events.size(), 1U);
}

TEST(OllamaSession, PromptsCountTheirTokensEach) {
    CompletionRequest request;
    request.model = "Mine";
    request.prompts = {"one", "two"};
    auto session = make_ollama_completion_session(request, ollama_context());
    const auto calls = session->start();
    ASSERT_TRUE(calls && calls->size() == 2);
    EXPECT_EQ(calls->at(1).path, "/api/generate");
    EXPECT_EQ(Json::parse(calls->at(1).body)["prompt"], "two");
    Events events;
    for (const EngineCall& call : *calls)
        session->on_bytes(call.id,
                          R"({"response":"x","done":true,"prompt_eval_count":4,"eval_count":1})"
                          "\n",
                          events);
    Answer answer;
    for (const Event& event : events)
        answer.add(event);
    EXPECT_EQ(answer.usage.prompt_tokens, 8);
    EXPECT_TRUE(answer.ended);
}

// C89: before 0.12.11 Ollama ignores logprobs.
TEST(OllamaSession, MissingLogprobsAreDeclared) {
    const BridgeContext context = ollama_context();
    ChatRequest request = simple_chat();
    request.logprobs = true;
    auto session = make_ollama_chat_session(request, context);
    const auto calls = session->start();
    EXPECT_TRUE(session->declarations().ignored().empty());
    Events events;
    session->on_bytes(calls->at(0).id, line("a", 1, 1), events);
    EXPECT_EQ(session->declarations().ignored(), std::vector<std::string>{"logprobs"});
}

TEST(OllamaEmbedSession, VectorsInOrderAndCutToTheAskedLength) {
    EmbedRequest request;
    request.model = "Mine";
    request.inputs = {"a", "b"};
    request.dimensions = 2;
    request.truncate = false;
    auto session = make_ollama_embed_session(request, ollama_context());
    const auto calls = session->start();
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(calls->at(0).body,
              R"({"model":"segue-tiny","input":["a","b"],"truncate":false,"dimensions":2})");
    EngineAnswer answer;
    answer.status = 200;
    answer.body = R"({"model":"m","embeddings":[[3,4,12],[1,0]],"prompt_eval_count":8})";
    Events events;
    ASSERT_TRUE(session->on_answer(calls->at(0).id, answer, events));
    const auto* vectors = std::get_if<Vectors>(&events.at(1));
    ASSERT_NE(vectors, nullptr);
    EXPECT_DOUBLE_EQ(vectors->rows[0][0], 0.6);
    EXPECT_DOUBLE_EQ(vectors->rows[0][1], 0.8);
    EXPECT_EQ(vectors->rows[1], (std::vector<double>{1, 0}));
    EXPECT_EQ(events.back(), Event(Ended{}));
}

TEST(OllamaEmbedSession, FewerVectorsThanTextsIsBroken) {
    EmbedRequest request;
    request.inputs = {"a", "b"};
    auto session = make_ollama_embed_session(request, ollama_context());
    (void)session->start();
    EngineAnswer answer;
    answer.status = 200;
    answer.body = R"({"embeddings":[[1]]})";
    Events events;
    const auto result = session->on_answer(1, answer, events);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().cause, Failure::Cause::kBroken);
}

TEST(OllamaEmbedSession, TooLongIsSaid) {
    EmbedRequest request;
    request.inputs = {"a"};
    auto session = make_ollama_embed_session(request, ollama_context());
    (void)session->start();
    Events events;
    const auto result =
        session->on_answer(1, refusal("the input length exceeds the context length"), events);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().cause, Failure::Cause::kContextTooLong);
}

}  // namespace
}  // namespace segue::llm
