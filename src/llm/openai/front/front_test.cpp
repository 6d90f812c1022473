#include "llm/openai/front/front.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm/ollama/engine/test_support.hpp"

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;
using ollama_test::answer_of;
using ollama_test::ollama_context;
using ollama_test::recording;

Failure refused(OpenAiEndpoint endpoint, const std::string& body,
                BridgeContext context = ollama_context()) {
    const auto request = decode_openai_request(endpoint, "/v1/x", body);
    if (!request) return request.error();
    auto bridge = (*request)->bridge(context);
    if (!bridge) return bridge.error();
    Output out;
    auto calls = (*bridge)->start({}, out);
    if (!calls) return calls.error();
    ADD_FAILURE() << "was accepted: " << body;
    return {};
}

struct Exchange {
    std::vector<Json> asked;
    Output out;
    std::vector<std::string> ignored;
};

/// Runs a request against an Ollama whose n-th answer is the n-th of `answers` (the last one again
/// and again).
Exchange exchange(OpenAiEndpoint endpoint, const Json& body, std::vector<std::string> answers,
                  BridgeContext context = ollama_context()) {
    Exchange done;
    const auto request = decode_openai_request(endpoint, "/v1/x", body.dump());
    if (!request) {
        ADD_FAILURE() << request.error().message;
        return done;
    }
    auto bridge = (*request)->bridge(std::move(context));
    if (!bridge) {
        ADD_FAILURE() << bridge.error().message;
        return done;
    }
    const auto calls = (*bridge)->start({}, done.out);
    if (!calls) {
        ADD_FAILURE() << calls.error().message;
        return done;
    }
    for (std::size_t i = 0; i < calls->size(); ++i) {
        const EngineCall& call = (*calls)[i];
        done.asked.push_back(Json::parse(call.body));
        const std::string& answer = answers[std::min(i, answers.size() - 1)];
        if (call.answer == EngineCall::Answer::kStream) {
            (*bridge)->on_bytes(call.id, answer, {}, done.out);
            (*bridge)->on_end(call.id, {}, done.out);
        } else {
            EngineAnswer whole;
            whole.status = 200;
            whole.body = answer;
            (void)(*bridge)->on_answer(call.id, whole, {}, done.out);
        }
    }
    done.ignored = (*bridge)->declarations().ignored();
    return done;
}

Json chat(Json more = Json::object()) {
    Json body{{"model", "Mine"}, {"messages", {{{"role", "user"}, {"content", "Hello"}}}}};
    body.update(more);
    return body;
}

// C81
TEST(OpenAiFront, ChatStreamFromOllama) {
    const auto done =
        exchange(OpenAiEndpoint::kChat, chat({{"stream", true}}), {recording("chat_stream").body});
    EXPECT_EQ(done.out.state, Output::State::kDone);
    EXPECT_EQ(done.out.content_type, "text/event-stream; charset=utf-8");
    EXPECT_NE(done.out.bytes.find(R"("delta":{"role":"assistant","content":""})"),
              std::string::npos);
    EXPECT_NE(done.out.bytes.find(R"("delta":{"content":"The"})"), std::string::npos);
    EXPECT_NE(done.out.bytes.find(R"("delta":{},"finish_reason":"stop")"), std::string::npos);
    EXPECT_TRUE(done.out.bytes.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(done.out.bytes.find("usage"), std::string::npos);
    EXPECT_EQ(done.out.bytes.find("segue-tiny"), std::string::npos);
}

// C83
TEST(OpenAiFront, ToolCallsFromAnyLine) {
    for (const char* id : {"chat_tools", "chat_tools_stream"}) {
        const auto done = exchange(
            OpenAiEndpoint::kChat,
            chat({{"tools", {{{"type", "function"}, {"function", {{"name", "get_weather"}}}}}}}),
            {recording(id).body});
        const Json answer = Json::parse(done.out.bytes);
        EXPECT_EQ(answer["choices"][0]["finish_reason"], "tool_calls") << id;
        EXPECT_EQ(answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
                  R"({"city":"Paris"})");
        EXPECT_EQ(answer["usage"]["prompt_tokens"], 88);
        EXPECT_EQ(done.asked[0]["tools"][0]["function"]["name"], "get_weather");
    }
}

// C85
TEST(OpenAiFront, AbsentSamplingIsAsOllamasShimHasIt) {
    const auto done = exchange(OpenAiEndpoint::kChat, chat(), {recording("chat").body});
    EXPECT_EQ(done.asked[0]["options"].dump(), R"({"temperature":1,"top_p":1})");
    BridgeContext context = ollama_context();
    context.policy.ollama_sampling_for_openai = false;
    const auto bare = exchange(OpenAiEndpoint::kChat, chat(), {recording("chat").body}, context);
    EXPECT_FALSE(bare.asked[0].contains("options"));
}

// C86
TEST(OpenAiFront, FieldsOfTheTable) {
    const Json more{{"max_completion_tokens", 6},
                    {"max_tokens", 60},
                    {"stop", "7"},
                    {"seed", 42},
                    {"top_k", 5},
                    {"repetition_penalty", 1.5},
                    {"response_format",
                     {{"type", "json_schema"},
                      {"json_schema", {{"name", "r"}, {"schema", {{"type", "object"}}}}}}},
                    {"reasoning_effort", "minimal"},
                    {"options", {{"num_ctx", 8192}, {"num_gpu", 1}, {"seed", 1}}},
                    {"keep_alive", "10m"},
                    {"user", "u"},
                    {"logit_bias", {{"5", 1}}}};
    const auto done = exchange(OpenAiEndpoint::kChat, chat(more), {recording("chat").body});
    const Json& asked = done.asked[0];
    EXPECT_EQ(asked["options"]["num_predict"], 6);
    EXPECT_EQ(asked["options"]["stop"].dump(), R"(["7"])");
    EXPECT_EQ(asked["options"]["seed"], 42);
    EXPECT_EQ(asked["options"]["num_ctx"], 8192);
    EXPECT_EQ(asked["options"]["num_gpu"], 1);
    EXPECT_EQ(asked["options"]["repeat_penalty"], 1.5);
    EXPECT_EQ(asked["format"].dump(), R"({"type":"object"})");
    EXPECT_EQ(asked["think"], "low");
    EXPECT_EQ(asked["keep_alive"], "10m");
    EXPECT_EQ(done.ignored, (std::vector<std::string>{"user", "logit_bias"}));
}

TEST(OpenAiFront, ThinkFromEveryName) {
    const auto think = [](const Json& more) {
        const auto done = exchange(OpenAiEndpoint::kChat, chat(more), {recording("chat").body});
        return done.asked[0].contains("think") ? done.asked[0]["think"].dump()
                                               : std::string("absent");
    };
    EXPECT_EQ(think(Json::object()), "absent");
    EXPECT_EQ(think({{"reasoning_effort", "none"}}), "false");
    EXPECT_EQ(think({{"reasoning_effort", "xhigh"}}), R"("max")");
    EXPECT_EQ(think({{"reasoning", {{"effort", "high"}}}, {"reasoning_effort", "low"}}),
              R"("high")");
    EXPECT_EQ(think({{"think", true}}), "true");
    EXPECT_EQ(think({{"chat_template_kwargs", {{"enable_thinking", false}}}}), "false");
}

// C87
TEST(OpenAiFront, EffortForAModelThatCannotThinkIsLeftOut) {
    BridgeContext context = ollama_context();
    context.target.capabilities = {"completion"};
    const auto done = exchange(OpenAiEndpoint::kChat, chat({{"reasoning_effort", "high"}}),
                               {recording("chat").body}, context);
    EXPECT_FALSE(done.asked[0].contains("think"));
    EXPECT_EQ(done.out.state, Output::State::kDone);
}

TEST(OpenAiFront, PartsBecomeOneMessage) {
    const Json parts = Json::parse(
        R"([{"type":"text","text":"What"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"is it?"}])");
    Json body = chat();
    body["messages"] = Json::array({{{"role", "developer"}, {"content", "Be brief."}},
                                    {{"role", "user"}, {"content", parts}}});
    const auto done = exchange(OpenAiEndpoint::kChat, body, {recording("chat").body});
    EXPECT_EQ(
        done.asked[0]["messages"].dump(),
        R"([{"role":"system","content":"Be brief."},{"role":"user","content":"What\nis it?","images":["AAAA"]}])");
}

// C84
TEST(OpenAiFront, HistoryWithToolCallIds) {
    Json body = chat();
    body["messages"] = Json::parse(
        R"([{"role":"user","content":"w?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\": \"Paris\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"21"}])");
    const auto done = exchange(OpenAiEndpoint::kChat, body, {recording("chat_tool_result").body});
    const Json& messages = done.asked[0]["messages"];
    EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"].dump(), R"({"city":"Paris"})");
    EXPECT_EQ(messages[2]["tool_name"], "get_weather");
}

// C88
TEST(OpenAiFront, SeveralChoices) {
    const auto done = exchange(OpenAiEndpoint::kChat, chat({{"n", 3}}), {recording("chat").body});
    EXPECT_EQ(done.asked.size(), 3U);
    const Json answer = Json::parse(done.out.bytes);
    EXPECT_EQ(answer["choices"].size(), 3U);
    EXPECT_EQ(answer["usage"].dump(),
              R"({"prompt_tokens":24,"completion_tokens":33,"total_tokens":57})");
    const auto failed = exchange(OpenAiEndpoint::kChat, chat({{"n", 2}}),
                                 {recording("chat").body, R"({"error":"boom"})"});
    EXPECT_EQ(failed.out.state, Output::State::kFailed);
}

// C92
TEST(OpenAiFront, CompletionsAreRaw) {
    const Json body{
        {"model", "Mine"}, {"prompt", {"3 plus 4", "x"}}, {"max_tokens", 5}, {"echo", true}};
    const auto done =
        exchange(OpenAiEndpoint::kCompletions, body, {recording("generate_raw").body});
    EXPECT_EQ(done.asked[0]["raw"], true);
    EXPECT_EQ(done.asked[0]["prompt"], "3 plus 4");
    const Json answer = Json::parse(done.out.bytes);
    EXPECT_EQ(answer["choices"][0]["text"], "3 plus 43 plus 4 is 7.");
    EXPECT_EQ(answer["choices"][1]["text"], "x3 plus 4 is 7.");
    EXPECT_EQ(answer["usage"]["prompt_tokens"], 40);
}

// C90
TEST(OpenAiFront, Embeddings) {
    const Json body{{"model", "Mine"}, {"input", {"a", "b"}}, {"encoding_format", "base64"}};
    const auto done = exchange(OpenAiEndpoint::kEmbeddings, body,
                               {R"({"embeddings":[[1,0],[0,1]],"prompt_eval_count":4})"});
    EXPECT_EQ(done.asked[0]["truncate"], false);
    const Json answer = Json::parse(done.out.bytes);
    EXPECT_EQ(answer["data"][0]["embedding"], "AACAPwAAAAA=");
    EXPECT_EQ(answer["usage"]["prompt_tokens"], 4);
}

// 5.3: before 0.9 the thinking stands in the content.
TEST(OpenAiFront, ThinkTagsOfOldEnginesAreSplit) {
    const auto done = exchange(
        OpenAiEndpoint::kChat, chat({{"think", true}}),
        {R"({"message":{"content":"<think>a</think>\n\nb"},"done":true,"prompt_eval_count":1,"eval_count":2})"});
    const Json message = Json::parse(done.out.bytes)["choices"][0]["message"];
    EXPECT_EQ(message["reasoning"], "a");
    EXPECT_EQ(message["content"], "b");
}

TEST(OpenAiFront, RefusalsNameTheirParameter) {
    const auto chat_with = [](const char* member, const char* json) {
        Json body = chat();
        body[member] = Json::parse(json);
        return refused(OpenAiEndpoint::kChat, body.dump());
    };
    EXPECT_EQ(chat_with("temperature", R"("hot")").message,
              "Invalid type for 'temperature': expected a decimal, but got a string instead.");
    EXPECT_EQ(chat_with("temperature", R"("hot")").param, "temperature");
    EXPECT_EQ(chat_with("max_tokens", "1.5").param, "max_tokens");
    EXPECT_EQ(chat_with("messages", "[]").param, "messages");
    EXPECT_EQ(chat_with("messages", "7").param, "messages");
    EXPECT_EQ(chat_with("messages", R"([{"content":"x"}])").param, "messages[0].role");
    EXPECT_EQ(chat_with("messages", R"([{"role":"user","content":[{"type":"video_url"}]}])").param,
              "messages[0].content[0].type");
    EXPECT_EQ(
        chat_with(
            "messages",
            R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x/y.png"}}]}])")
            .param,
        "messages[0].content");
    EXPECT_EQ(
        chat_with(
            "messages",
            R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,*"}}]}])")
            .code,
        "invalid_base64");
    EXPECT_EQ(
        chat_with(
            "messages",
            R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}])")
            .param,
        "messages[0].tool_calls[0].function.arguments");
    EXPECT_EQ(chat_with("stop", "[1]").param, "stop");
    EXPECT_EQ(chat_with("n", "0").param, "n");
    EXPECT_EQ(chat_with("top_logprobs", "21").message, "top_logprobs must be between 0 and 20");
    EXPECT_EQ(chat_with("reasoning_effort", R"("much")").param, "reasoning_effort");
    EXPECT_EQ(chat_with("response_format", R"({"type":"xml"})").param, "response_format.type");
    EXPECT_EQ(chat_with("stream_options", R"({"include_usage":1})").param,
              "stream_options.include_usage");
    EXPECT_EQ(chat_with("options", R"({"seed":"x"})").param, "options.seed");
    EXPECT_EQ(refused(OpenAiEndpoint::kCompletions, R"({"prompt":[1,2]})").param, "prompt");
    EXPECT_EQ(refused(OpenAiEndpoint::kCompletions, R"({})").param, "prompt");
    EXPECT_EQ(refused(OpenAiEndpoint::kEmbeddings, R"({"input":""})").param, "input");
    EXPECT_EQ(refused(OpenAiEndpoint::kEmbeddings, R"({"input":[[1]]})").param, "input");
}

// C91
TEST(OpenAiFront, RequiredToolChoiceIsDoneByFormat) {
    Json body = chat({{"tools", {{{"type", "function"}, {"function", {{"name", "f"}}}}}},
                      {"tool_choice", "required"}});
    const std::string call = R"({"message":{"role":"assistant","content":"{\"name\":\"f\",)"
                             R"(\"arguments\":{\"a\":1}}"},"done":true,"done_reason":"stop"})";
    const auto called = exchange(OpenAiEndpoint::kChat, body, {call});
    EXPECT_EQ(called.asked[0]["format"]["properties"]["name"]["enum"][0], "f");
    ASSERT_EQ(called.out.state, Output::State::kDone);
    const Json choice = Json::parse(called.out.bytes)["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], R"({"a":1})");
    EXPECT_TRUE(choice["message"]["content"].is_null());

    const auto free = exchange(OpenAiEndpoint::kChat, body, {recording("chat").body});
    EXPECT_EQ(free.out.state, Output::State::kFailed);  // another target may keep to it
    body["tools"] = Json::array();
    const auto done = exchange(OpenAiEndpoint::kChat, body, {recording("chat").body});
    EXPECT_FALSE(done.asked[0].contains("tools"));
}

TEST(OpenAiFront, BodiesThatAreNoObject) {
    for (const char* body : {"", "{", "[]", "7", "{} x", "{\"model\":7}", "{\"stream\":\"yes\"}",
                             "{\"a\":\"\xff\"}"}) {
        const auto request =
            decode_openai_request(OpenAiEndpoint::kChat, "/v1/chat/completions", body);
        ASSERT_FALSE(request.has_value()) << body;
        EXPECT_EQ(failure_status(Dialect::kOpenAi, request.error()), 400) << body;
    }
    const auto cut =
        decode_openai_request(OpenAiEndpoint::kChat, "/v1/chat/completions", R"({"model":)");
    EXPECT_NE(cut.error().message.find("at byte"), std::string::npos) << cut.error().message;
}

TEST(OpenAiFront, ModelAndStreamAreRead) {
    const auto request =
        decode_openai_request(OpenAiEndpoint::kChat, "/v1/x", R"({"model":"m","stream":true})");
    EXPECT_EQ((*request)->model(), "m");
    EXPECT_TRUE((*request)->streaming());
    EXPECT_EQ((*request)->front(), Dialect::kOpenAi);
    EXPECT_EQ((*decode_openai_request(OpenAiEndpoint::kPassThrough, "/tokenize", "{}"))->model(),
              "");
}

TEST(OpenAiFront, PassThroughNeedsAnEngineOfThisDialect) {
    const auto request = decode_openai_request(OpenAiEndpoint::kPassThrough, "/v1/rerank", "{}");
    const auto refused_bridge = (*request)->bridge(ollama_context());
    ASSERT_FALSE(refused_bridge.has_value());
    EXPECT_EQ(refused_bridge.error().cause, Failure::Cause::kUnsupported);
    EXPECT_NE(refused_bridge.error().message.find("/v1/rerank"), std::string::npos);
    BridgeContext context = ollama_context();
    context.target.dialect = Dialect::kOpenAi;
    EXPECT_TRUE((*request)->bridge(context).has_value());
}

TEST(OpenAiFront, SameDialectIsRelayedUnread) {
    BridgeContext context = ollama_context();
    context.target.dialect = Dialect::kOpenAi;
    const std::string body = R"({"model":"Mine","messages":"whatever","x":1.50})";
    const auto request = decode_openai_request(OpenAiEndpoint::kChat, "/v1/chat/completions", body);
    auto bridge = (*request)->bridge(context);
    ASSERT_TRUE(bridge.has_value());
    Output out;
    const auto calls = (*bridge)->start({}, out);
    ASSERT_TRUE(calls && calls->size() == 1);
    EXPECT_EQ(calls->at(0).path, "/v1/chat/completions");
    EXPECT_NE(calls->at(0).body.find(R"("x":1.50)"), std::string::npos);
}

}  // namespace
}  // namespace segue::llm
