#include "llm/ollama/engine/forced_call.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "llm/ollama/engine/encode.hpp"
#include "llm/ollama/engine/session.hpp"
#include "llm/ollama/engine/test_support.hpp"

namespace segue::llm::ollama {
namespace {

using Json = nlohmann::ordered_json;
using ollama_test::ollama_context;

constexpr std::string_view kWeather =
    R"({"type":"function","function":{"name":"get_weather","parameters":{"type":"object",)"
    R"("properties":{"city":{"type":"string"}},"required":["city"]}}})";
constexpr std::string_view kTime = R"({"type":"function","function":{"name":"get_time"}})";

ChatRequest asking(ToolChoice choice) {
    ChatRequest request;
    request.model = "Mine";
    Message user;
    user.role = "user";
    user.parts.emplace_back(TextPart{"What is the weather in Paris?"});
    request.messages.push_back(std::move(user));
    request.tools = {std::string(kWeather), std::string(kTime)};
    request.tool_choice = std::move(choice);
    return request;
}

const ToolChoice kRequired{ToolChoice::Kind::kRequired, {}};
const ToolChoice kNamedWeather{ToolChoice::Kind::kNamed, "get_weather"};

Events run(const ChatRequest& request, Events events) {
    ForcedCall forced(request, ollama_context().target, 0, 1);
    Events out;
    for (Event& event : events)  // one at a time, as a stream gives them
        forced.apply({std::move(event)}, out);
    return out;
}

template <class Kind>
const Kind* first(const Events& events) {
    const auto found = std::ranges::find_if(
        events, [](const Event& event) { return std::holds_alternative<Kind>(event); });
    return found == events.end() ? nullptr : &std::get<Kind>(*found);
}

TEST(OllamaForcedCall, TheSchemaOfOneToolAndOfSeveral) {
    const auto named = forced_call_schema(asking(kNamedWeather));
    ASSERT_TRUE(named.has_value());
    EXPECT_EQ(Json::parse(*named),
              Json::parse(R"({"type":"object","properties":{"name":{"type":"string","enum":[)"
                          R"("get_weather"]},"arguments":{"type":"object","properties":{"city":)"
                          R"({"type":"string"}},"required":["city"]}},"required":["name",)"
                          R"("arguments"],"additionalProperties":false})"));
    const auto any = forced_call_schema(asking(kRequired));
    ASSERT_TRUE(any.has_value());
    const Json schema = Json::parse(*any);
    ASSERT_EQ(schema["anyOf"].size(), 2U);
    EXPECT_EQ(schema["anyOf"][0], Json::parse(*named));
    EXPECT_EQ(schema["anyOf"][1]["properties"]["arguments"], Json::parse(R"({"type":"object"})"));
}

TEST(OllamaForcedCall, WhatCannotBeDoneExactlyIsRefused) {
    const auto param = [](ChatRequest request) {
        Declarations declared;
        const auto body = encode_chat(request, ollama_context().target, declared);
        EXPECT_FALSE(body.has_value());
        return body ? "" : body.error().param + " " + std::to_string(body.error().status);
    };
    EXPECT_EQ(param(asking({ToolChoice::Kind::kNamed, "nope"})), "tool_choice 400");
    ChatRequest none = asking(kRequired);
    none.tools.clear();
    EXPECT_EQ(param(none), "tool_choice 400");
    ChatRequest refers = asking(kRequired);
    refers.tools.emplace_back(
        R"({"type":"function","function":{"name":"f","parameters":{"type":"object","properties":)"
        R"({"a":{"anyOf":[{"$ref":"#/$defs/A"}]}},"$defs":{"A":{"type":"string"}}}}})");
    EXPECT_EQ(param(refers), "tool_choice 400");
    refers.tool_choice = kNamedWeather;  // the other tool is not called
    Declarations declared;
    EXPECT_TRUE(encode_chat(refers, ollama_context().target, declared).has_value());
}

TEST(OllamaForcedCall, ToolsStayInThePromptAndFormatIsTheCalls) {
    ChatRequest request = asking(kNamedWeather);
    request.format.kind = ResponseFormat::Kind::kJsonObject;
    Declarations declared;
    const auto body = encode_chat(request, ollama_context().target, declared);
    ASSERT_TRUE(body.has_value());
    const Json asked = Json::parse(*body);
    EXPECT_EQ(asked["tools"].size(), 2U);
    EXPECT_EQ(asked["format"]["properties"]["name"]["enum"][0], "get_weather");
    EXPECT_TRUE(declared.ignored().empty());
}

TEST(OllamaForcedCall, TextInPiecesBecomesTheCall) {
    const std::string text = R"( {"name": "get_weather", "arguments": {"city": "Paris"}}  )";
    const ChatRequest request = asking(kRequired);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        const Events out =
            run(request, {Started{}, Reasoning{"hm", 0}, Logprobs{}, Text{text.substr(0, cut), 0},
                          Logprobs{}, Text{text.substr(cut), 0}, Usage{}, Finished{}, Ended{}});
        const auto* call = first<ToolCallDelta>(out);
        ASSERT_NE(call, nullptr) << cut;
        EXPECT_EQ(call->name, "get_weather");
        EXPECT_EQ(call->arguments, R"({"city":"Paris"})");
        EXPECT_EQ(call->id, made_tool_call_id(1, "get_weather", R"({"city":"Paris"})", false));
        EXPECT_EQ(out, (Events{Started{}, Reasoning{"hm", 0}, Usage{}, *call,
                               Finished{FinishReason::kToolCalls, "", 0}, Ended{}}));
    }
}

TEST(OllamaForcedCall, TheEnginesOwnCallCounts) {
    const ToolCallDelta call{0, "call_1", "get_time", "{}", 0};
    const Finished finished{FinishReason::kToolCalls, "", 0};
    EXPECT_EQ(run(asking(kRequired), {call, finished, Ended{}}), (Events{call, finished, Ended{}}));
    EXPECT_NE(first<Failed>(run(asking(kNamedWeather), {call, finished, Ended{}})), nullptr);
}

TEST(OllamaForcedCall, ACallThatWasCutIsLeftOut) {
    const Finished finished{FinishReason::kLength, "", 0};
    EXPECT_EQ(run(asking(kRequired), {Text{R"({"name": "get_we)", 0}, finished, Ended{}}),
              (Events{finished, Ended{}}));
}

TEST(OllamaForcedCall, AnEngineThatDoesNotKeepToItFails) {
    for (const char* text :
         {"", "Sunny.", R"({"name":"nope","arguments":{}})", R"({"name":"get_time"})",
          R"({"name":"get_time","arguments":"x"})", "[]", "{} {}"}) {
        const Events out = run(asking(kRequired), {Started{}, Text{text, 0}, Finished{}, Ended{}});
        ASSERT_EQ(out.size(), 2U) << text;
        const auto* failed = first<Failed>(out);
        ASSERT_NE(failed, nullptr) << text;
        EXPECT_EQ(failed->failure.cause, Failure::Cause::kBroken);
    }
}

TEST(OllamaForcedCall, EachChoiceMakesItsOwn) {
    ChatRequest request = asking(kNamedWeather);
    request.choices = 2;
    const auto session = make_ollama_chat_session(request, ollama_context());
    const auto calls = session->start();
    ASSERT_TRUE(calls.has_value());
    ASSERT_EQ(calls->size(), 2U);
    Events events;
    for (const EngineCall& call : *calls) {
        const Json line{{"message",
                         {{"role", "assistant"},
                          {"content", R"({"name":"get_weather","arguments":{"city":"Paris"}})"}}},
                        {"done", true},
                        {"done_reason", "stop"},
                        {"prompt_eval_count", 3},
                        {"eval_count", 2}};
        session->on_bytes(call.id, line.dump() + "\n", events);
        session->on_end(call.id, events);
    }
    EXPECT_EQ(std::ranges::count_if(
                  events, [](const Event& e) { return std::holds_alternative<ToolCallDelta>(e); }),
              2);
    EXPECT_NE(first<Ended>(events), nullptr);
}

}  // namespace
}  // namespace segue::llm::ollama
