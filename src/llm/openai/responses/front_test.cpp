#include "llm/openai/responses/front.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm/ollama/engine/test_support.hpp"
#include "llm/openai/engine/test_support.hpp"

namespace segue::llm {
namespace {

using Json = nlohmann::ordered_json;

BridgeContext vllm(EngineTraits::Tri responses) {
    auto context = openai_engine::context_for(openai_engine::tiny_target());
    context.target.traits->responses_api = responses;
    return context;
}

std::unique_ptr<Bridge> bridge_for(const Json& body, BridgeContext context) {
    const auto request = decode_responses_request(body.dump());
    if (!request) throw std::runtime_error(request.error().message);
    auto bridge = (*request)->bridge(std::move(context));
    if (!bridge) throw std::runtime_error(bridge.error().message);
    return *std::move(bridge);
}

void answer(Bridge& bridge, const EngineCall& call, const std::string& body, Output& out) {
    EngineAnswer head;
    head.status = 200;
    head.content_type = "text/event-stream";
    bridge.on_head(call.id, head, {}, out);
    bridge.on_bytes(call.id, body, {}, out);
    bridge.on_end(call.id, {}, out);
}

std::vector<Json> data_of(const std::string& stream) {
    std::vector<Json> data;
    std::istringstream lines(stream);
    std::string name;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("event: ")) name = line.substr(7);
        if (!line.starts_with("data: ")) continue;
        data.push_back(Json::parse(line.substr(6)));
        EXPECT_EQ(data.back()["type"], name);
        EXPECT_EQ(data.back()["sequence_number"], data.size() - 1);
    }
    return data;
}

TEST(Responses, AreRelayedToAnEngineThatHasThem) {
    auto bridge = bridge_for({{"model", "m"}, {"input", "hi"}}, vllm(EngineTraits::Tri::kUnknown));
    Output out;
    const auto calls = bridge->start({}, out);
    ASSERT_TRUE(calls);
    EXPECT_EQ(calls->front().path, "/v1/responses");
}

TEST(Responses, AreBuiltFromChatWhenTheRouteIsMissing) {
    auto context = vllm(EngineTraits::Tri::kUnknown);
    auto bridge = bridge_for({{"model", "m"}, {"input", "hi"}, {"stream", true}}, context);
    Output out;
    auto calls = bridge->start({}, out);
    ASSERT_TRUE(calls);
    EngineAnswer missing;
    missing.status = 404;
    missing.body = R"({"detail":"Not Found"})";
    calls = bridge->on_answer(calls->front().id, missing, {}, out);
    ASSERT_TRUE(calls) << calls.error().message;
    EXPECT_EQ(context.target.traits->responses_api, EngineTraits::Tri::kNo);
    ASSERT_EQ(calls->front().path, "/v1/chat/completions");
    answer(*bridge, calls->front(),
           openai_engine::body_of(openai_engine::recorded("chat_stream_usage")), out);
    EXPECT_EQ(out.state, Output::State::kDone);
    const auto data = data_of(out.bytes);
    ASSERT_GT(data.size(), 6U);
    EXPECT_EQ(data[0]["type"], "response.created");
    EXPECT_EQ(data[1]["type"], "response.in_progress");
    EXPECT_EQ(data[2]["type"], "response.output_item.added");
    EXPECT_EQ(data.back()["type"], "response.completed");
    const Json& response = data.back()["response"];
    EXPECT_EQ(response["id"], data[0]["response"]["id"]);
    EXPECT_EQ(response["status"], "completed");
    EXPECT_GT(response["usage"]["input_tokens"], 0);
    EXPECT_FALSE(response["output"].empty());
}

TEST(Responses, StreamToolCallsAsItems) {
    auto bridge = bridge_for({{"model", "m"}, {"input", "weather?"}, {"stream", true}},
                             vllm(EngineTraits::Tri::kNo));
    Output out;
    const auto calls = bridge->start({}, out);
    ASSERT_TRUE(calls);
    answer(*bridge, calls->front(),
           openai_engine::body_of(openai_engine::recorded("chat_tools_stream")), out);
    const auto data = data_of(out.bytes);
    std::string arguments;
    for (const Json& event : data) {
        if (event["type"] == "response.function_call_arguments.delta")
            arguments += event["delta"].get<std::string>();
    }
    const Json call = data.back()["response"]["output"].back();
    EXPECT_EQ(call["type"], "function_call");
    EXPECT_FALSE(call["call_id"].get<std::string>().empty());
    EXPECT_EQ(Json::parse(arguments), Json::parse(call["arguments"].get<std::string>()));
}

TEST(Responses, DecodeItemsIntoTurns) {
    auto bridge = bridge_for(Json::parse(R"({"model":"m","instructions":"be brief","store":true,
        "max_output_tokens":40,"reasoning":{"effort":"low"},
        "text":{"format":{"type":"json_schema","name":"n","schema":{"b":1,"a":2}}},
        "tools":[{"type":"function","name":"w","parameters":{"type":"object"},"strict":true}],
        "tool_choice":{"type":"function","name":"w"},
        "input":[
          {"role":"user","content":[{"type":"input_text","text":"look"},
            {"type":"input_image","image_url":"data:image/png;base64,aGk="}]},
          {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
          {"type":"function_call","call_id":"c1","name":"w","arguments":"{\"a\": 1}"},
          {"type":"function_call","call_id":"c2","name":"w","arguments":"{}"},
          {"type":"function_call_output","call_id":"c1","output":"18"},
          {"type":"function_call_output","call_id":"c2","output":"19"}]})"),
                             vllm(EngineTraits::Tri::kNo));
    Output out;
    const auto calls = bridge->start({}, out);
    ASSERT_TRUE(calls) << calls.error().message;
    const Json body = Json::parse(calls->front().body);
    const Json& messages = body["messages"];
    ASSERT_EQ(messages.size(), 5U) << messages.dump(1);
    EXPECT_EQ(messages[0]["role"], "system");
    EXPECT_EQ(messages[1]["content"][1]["image_url"]["url"], "data:image/png;base64,aGk=");
    EXPECT_EQ(messages[2].value("reasoning", ""), "hm");
    EXPECT_EQ(messages[2]["tool_calls"].size(), 2U);
    EXPECT_EQ(messages[4]["tool_call_id"], "c2");
    EXPECT_EQ(body["max_tokens"], 40);
    EXPECT_EQ(body["reasoning_effort"], "low");
    EXPECT_EQ(body["response_format"]["json_schema"]["schema"].dump(), R"({"b":1,"a":2})");
    EXPECT_EQ(body["tools"][0]["function"]["name"], "w");
    EXPECT_EQ(body["tool_choice"]["function"]["name"], "w");
    EXPECT_EQ(bridge->declarations().ignored_header(), "store");
}

TEST(Responses, AnswerInOneObjectFromOllama) {
    auto bridge =
        bridge_for({{"model", "m"}, {"input", "What is 3 plus 4?"}}, ollama_test::ollama_context());
    Output out;
    const auto calls = bridge->start({}, out);
    ASSERT_TRUE(calls);
    EXPECT_EQ(calls->front().path, "/api/chat");
    // An Ollama is always asked for a stream.
    answer(*bridge, calls->front(),
           R"({"model":"x","message":{"role":"assistant","content":"7.","thinking":"hm"},)"
           R"("done":true,"done_reason":"stop","prompt_eval_count":14,"eval_count":3})"
           "\n",
           out);
    const Json response = Json::parse(out.bytes);
    EXPECT_EQ(response["object"], "response");
    EXPECT_EQ(response["model"], "m");
    EXPECT_EQ(response["output"][0]["summary"][0]["text"], "hm");
    EXPECT_EQ(response["output"][1]["content"][0]["text"], "7.");
    EXPECT_EQ(response["usage"]["total_tokens"], 17);
}

}  // namespace
}  // namespace segue::llm
