#include "llm/anthropic/front.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "llm/ollama/engine/test_support.hpp"
#include "llm/openai/engine/test_support.hpp"

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;
using openai_engine::tiny_target;

BridgeContext vllm(Profile profile = {}) {
    return openai_engine::context_for(tiny_target(std::move(profile)));
}

Json minimal(const Json& more = Json::object()) {
    Json body = Json::parse(
        R"({"model":"m:1","max_tokens":60,"messages":[{"role":"user","content":"hi"}]})");
    body.update(more);
    return body;
}

struct Asked {
    std::vector<EngineCall> calls;
    std::unique_ptr<Bridge> bridge;
    Output out;
    Json body;
};

Outcome<Asked> ask(const Json& body, BridgeContext context = vllm()) {
    SEGUE_TRY(request, decode_anthropic_request(body.dump()));
    Asked asked;
    SEGUE_TRY(bridge, request->bridge(std::move(context)));
    asked.bridge = std::move(bridge);
    SEGUE_TRY(calls, asked.bridge->start({}, asked.out));
    asked.calls = std::move(calls);
    if (!asked.calls.empty()) asked.body = Json::parse(asked.calls.front().body);
    return asked;
}

std::string refused(const Json& body) {
    const auto asked = ask(body);
    return asked ? "accepted" : render_failure(Dialect::kAnthropic, asked.error(), "r").body;
}

TEST(AnthropicFront, RefusesWhatOllamaRefusesInItsWords) {
    const auto without = [](const char* name) {
        Json body = minimal();
        body.erase(name);
        return body;
    };
    const std::string limit =
        R"({"type":"error","error":{"type":"invalid_request_error","message":"max_tokens is )"
        R"(required and must be positive"},"request_id":"req_r"})";
    EXPECT_EQ(refused(without("max_tokens")), limit);
    EXPECT_EQ(refused(minimal({{"max_tokens", 0}})), limit);
    EXPECT_NE(refused(without("messages")).find("messages is required"), std::string::npos);
    EXPECT_NE(refused(without("model")).find("model is required"), std::string::npos);
    EXPECT_NE(refused(minimal({{"temperature", "x"}})).find("'temperature'"), std::string::npos);
    EXPECT_FALSE(decode_anthropic_request("[]"));
    EXPECT_FALSE(decode_anthropic_request("{"));
}

TEST(AnthropicFront, SendsToolResultsBeforeTheRestOfTheirTurn) {
    const auto asked = ask(minimal({{"messages", Json::parse(R"([
        {"role":"user","content":"weather?"},
        {"role":"assistant","content":[
            {"type":"thinking","thinking":"I look.","signature":"s"},
            {"type":"redacted_thinking","data":"x"},
            {"type":"text","text":"One moment."},
            {"type":"tool_use","id":"t1","name":"w","input":{"b": 1.0, "a": 2}},
            {"type":"tool_use","id":"t2","name":"w","input":{}}]},
        {"role":"user","content":[
            {"type":"text","text":"and now?"},
            {"type":"tool_result","tool_use_id":"t1","content":[
                {"type":"text","text":"18"},{"type":"text","text":"C"},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},
            {"type":"tool_result","tool_use_id":"t2","is_error":true,"content":"no net"}]}])")}}));
    ASSERT_TRUE(asked) << asked.error().message;
    const Json& messages = asked->body["messages"];
    ASSERT_EQ(messages.size(), 5U) << messages.dump(1);
    EXPECT_FALSE(messages[1].contains("reasoning"));  // a later question makes it old
    EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], R"({"b":1.0,"a":2})");
    EXPECT_EQ(messages[1]["tool_calls"][1]["id"], "t2");
    EXPECT_EQ(messages[2]["role"], "tool");
    EXPECT_EQ(messages[2]["tool_call_id"], "t1");
    EXPECT_EQ(messages[2]["content"], "18\nC");
    EXPECT_EQ(messages[3]["content"], "Error: no net");
    EXPECT_EQ(messages[4]["role"], "user");
    EXPECT_EQ(messages[4]["content"][0]["image_url"]["url"], "data:image/png;base64,aGk=");
    EXPECT_EQ(messages[4]["content"][1]["text"], "and now?");
}

TEST(AnthropicFront, KeepsTheThinkingOfAnUnfinishedTurn) {
    const auto asked = ask(minimal({{"messages", Json::parse(R"([
        {"role":"user","content":"weather?"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"I look.","signature":"s"},
            {"type":"tool_use","id":"t1","name":"w","input":{}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"18"}]}])")}}));
    ASSERT_TRUE(asked) << asked.error().message;
    ASSERT_EQ(asked->body["messages"].size(), 3U);
    EXPECT_EQ(asked->body["messages"][1].value("reasoning", ""), "I look.");
}

TEST(AnthropicFront, DecodesSystemToolsAndSampling) {
    const auto asked = ask(minimal({
        {"system", Json::parse(R"([{"type":"text","text":"x-anthropic-billing-header: a"},
            {"type":"text","text":"A","cache_control":{"type":"ephemeral"}},
            {"type":"text","text":"B"}])")},
        {"tools", Json::parse(R"([{"name":"w","description":"d","input_schema":{"type":"object"}},
            {"type":"web_search_20250305","name":"web_search"}])")},
        {"tool_choice", {{"type", "tool"}, {"name", "w"}, {"disable_parallel_tool_use", true}}},
        {"stop_sequences", {"7"}},
        {"top_k", 3},
        {"output_config",
         Json::parse(R"({"format":{"type":"json_schema","schema":{"b":1,"a":2}}})")},
        {"metadata", {{"user_id", "u"}}},
    }));
    ASSERT_TRUE(asked) << asked.error().message;
    const Json& body = asked->body;
    EXPECT_EQ(body["messages"][0].dump(), R"({"role":"system","content":"A\n\nB"})");
    EXPECT_EQ(body["tools"].dump(),
              R"([{"type":"function","function":{"name":"w","description":"d",)"
              R"("parameters":{"type":"object"}}}])");
    EXPECT_EQ(body["tool_choice"]["function"]["name"], "w");
    EXPECT_EQ(body["parallel_tool_calls"], false);
    EXPECT_EQ(body["stop"], Json::parse(R"(["7"])"));
    EXPECT_EQ(body["top_k"], 3);
    EXPECT_EQ(body["max_tokens"], 60);
    EXPECT_EQ(body["response_format"]["json_schema"]["schema"].dump(), R"({"b":1,"a":2})");
    EXPECT_EQ(asked->bridge->declarations().ignored(),
              (std::vector<std::string>{"tools[1]", "metadata"}));
}

TEST(AnthropicFront, SwitchesThinking) {
    const auto kwargs = [](const Json& more, Profile profile = {}) {
        const auto asked = ask(minimal(more), vllm(std::move(profile)));
        if (!asked) return asked.error().message;
        return asked->body.value("chat_template_kwargs", Json()).dump() +
               asked->body.value("reasoning_effort", "");
    };
    const std::string on = R"({"enable_thinking":true,"thinking":true})";
    const std::string off = R"({"enable_thinking":false,"thinking":false})";
    EXPECT_EQ(kwargs(Json::object()), off);
    EXPECT_EQ(kwargs({{"thinking", {{"type", "disabled"}}}}), off);
    EXPECT_EQ(kwargs({{"thinking", {{"type", "adaptive"}}}}), on);
    EXPECT_EQ(kwargs({{"thinking", {{"type", "enabled"}}}}), on);
    EXPECT_EQ(
        kwargs({{"thinking", {{"type", "adaptive"}}}, {"output_config", {{"effort", "xhigh"}}}}),
        on + "high");
    EXPECT_NE(kwargs({{"thinking", {{"type", "enabled"}, {"budget_tokens", 2000}}}})
                  .find("max_tokens must be greater"),
              std::string::npos);
    const auto budget = ask(minimal(
        {{"max_tokens", 900}, {"thinking", {{"type", "enabled"}, {"budget_tokens", 100}}}}));
    EXPECT_FALSE(budget);
    Profile simple;
    simple.thinking = ThinkingStyle::kNo;
    EXPECT_EQ(kwargs({{"thinking", {{"type", "enabled"}}}}, simple), "null");
}

/// The names of the events; each must equal its data's type.
std::vector<std::string> names_of(const std::string& stream, std::vector<Json>& data) {
    std::vector<std::string> names;
    std::istringstream lines(stream);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("event: ")) names.push_back(line.substr(7));
        if (!line.starts_with("data: ")) continue;
        data.push_back(Json::parse(line.substr(6)));
        EXPECT_EQ(data.back()["type"], names.back());
    }
    return names;
}

struct Streamed {
    std::vector<std::string> names;
    std::vector<Json> data;
    std::string bytes;
    Output::State state = Output::State::kPending;
};

/// The whole exchange with vLLM's recorded answer `id`.
Streamed stream(const char* id, const Json& more = Json::object()) {
    Json body = minimal(more);
    body["stream"] = true;
    auto asked = ask(body);
    Streamed streamed;
    if (!asked) {
        ADD_FAILURE() << asked.error().message;
        return streamed;
    }
    const std::uint32_t call = asked->calls.front().id;
    EngineAnswer head;
    head.status = 200;
    head.content_type = "text/event-stream";
    asked->bridge->on_head(call, head, {}, asked->out);
    asked->bridge->on_bytes(call, openai_engine::body_of(openai_engine::recorded(id)), {},
                            asked->out);
    asked->bridge->on_end(call, {}, asked->out);
    streamed.bytes = asked->out.bytes;
    streamed.state = asked->out.state;
    streamed.names = names_of(streamed.bytes, streamed.data);
    return streamed;
}

std::string without_repeats(const std::vector<std::string>& names) {
    std::string joined;
    std::string last;
    for (const std::string& name : names) {
        if (name != last) joined += name + " ";
        last = name;
    }
    return joined;
}

TEST(AnthropicFront, StreamsTextAndThinking) {
    const Streamed got = stream("chat_stream_usage", {{"thinking", {{"type", "adaptive"}}}});
    ASSERT_EQ(got.state, Output::State::kDone) << got.bytes;
    EXPECT_TRUE(without_repeats(got.names).starts_with(
        "message_start ping content_block_start content_block_delta "
        "content_block_stop "))
        << got.bytes;
    EXPECT_TRUE(
        without_repeats(got.names).ends_with("content_block_stop message_delta "
                                             "message_stop "));
    EXPECT_EQ(got.bytes.find("[DONE]"), std::string::npos);
    const Json& last = got.data[got.data.size() - 2];
    EXPECT_TRUE(last["delta"]["stop_sequence"].is_null());
    EXPECT_GT(last["usage"]["input_tokens"], 0);
    EXPECT_GT(last["usage"]["output_tokens"], 0);
}

TEST(AnthropicFront, StreamsToolCalls) {
    const Streamed got = stream("chat_tools_stream");
    ASSERT_EQ(got.state, Output::State::kDone) << got.bytes;
    std::string arguments;
    int open = -1;
    int next = 0;
    for (const Json& event : got.data) {
        if (event["type"] == "content_block_start") {
            EXPECT_EQ(open, -1);
            EXPECT_EQ(event["index"], next);
            open = next++;
            if (event["content_block"]["type"] == "tool_use") {
                EXPECT_EQ(event["content_block"]["input"].dump(), "{}");
                EXPECT_FALSE(event["content_block"]["id"].get<std::string>().empty());
            }
        }
        if (event["type"] == "content_block_delta") {
            EXPECT_EQ(event["index"], open);
            if (event["delta"]["type"] == "input_json_delta")
                arguments += event["delta"]["partial_json"].get<std::string>();
        }
        if (event["type"] == "content_block_stop") open = -1;
    }
    EXPECT_TRUE(Json::accept(arguments)) << arguments;
    EXPECT_EQ(got.data[got.data.size() - 2]["delta"]["stop_reason"], "tool_use");
}

TEST(AnthropicFront, AKeepAliveMayBeginTheAnswer) {
    Json body = minimal({{"stream", true}});
    auto asked = ask(body);
    ASSERT_TRUE(asked);
    asked->bridge->keep_alive({}, asked->out);
    asked->bridge->keep_alive({}, asked->out);
    std::vector<Json> data;
    EXPECT_EQ(names_of(asked->out.bytes, data),
              (std::vector<std::string>{"message_start", "ping", "ping"}));
    asked->bridge->on_broken(Failure{Failure::Cause::kBroken, "gone"}, {}, asked->out);
    EXPECT_EQ(asked->out.state, Output::State::kBroken);
    EXPECT_EQ(names_of(asked->out.bytes, data).back(), "error");
}

TEST(AnthropicFront, CountsTokens) {
    const Json body = minimal();
    auto request = decode_anthropic_count_request(
        R"({"model":"m","messages":[{"role":"user","content":"What is 3 plus 4?"}]})");
    ASSERT_TRUE(request) << request.error().message;
    auto exact = (*request)->bridge(vllm());
    ASSERT_TRUE(exact);
    Output out;
    const auto calls = (*exact)->start({}, out);
    ASSERT_TRUE(calls);
    EXPECT_EQ(calls->front().path, "/tokenize");
    EngineAnswer answer;
    answer.status = 200;
    answer.content_type = "application/json";
    answer.body = R"({"count":20,"max_model_len":1024,"tokens":[]})";
    ASSERT_TRUE((*exact)->on_answer(calls->front().id, answer, {}, out));
    EXPECT_EQ(out.bytes, R"({"input_tokens":20})");

    auto guess = (*request)->bridge(ollama_test::ollama_context());
    ASSERT_TRUE(guess);
    Output guessed;
    ASSERT_TRUE((*guess)->start({}, guessed));
    EXPECT_EQ(guessed.state, Output::State::kDone);
    EXPECT_EQ(guessed.bytes, R"({"input_tokens":4})");
    EXPECT_EQ((*guess)->declarations().adjusted_header(), "input_tokens");
}

}  // namespace
}  // namespace segue::llm
