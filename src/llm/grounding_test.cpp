// Passages into requests and sources behind answers, for each front in front of each engine.
#include "llm/grounding.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm/anthropic/front.hpp"
#include "llm/ollama/front/front.hpp"
#include "llm/openai/front/front.hpp"
#include "llm/openai/responses/front.hpp"

namespace segue::llm {
namespace {

using nlohmann::json;
using Decoded = Outcome<std::unique_ptr<FrontRequest>>;

struct Front {
    const char* name;
    Decoded (*decode)(bool stream, const char* more);
};

json chat_body(bool stream, const char* more) {
    json body{{"model", "m@handbook"},
              {"stream", stream},
              {"messages", json::array({{{"role", "user"}, {"content", "When is lunch?"}}})}};
    body.update(json::parse(more));
    return body;
}

Decoded ollama_chat(bool stream, const char* more) {
    return decode_ollama_request(OllamaEndpoint::kChat, chat_body(stream, more).dump());
}
Decoded ollama_generate(bool stream, const char* more) {
    json body{{"model", "m@handbook"}, {"stream", stream}, {"prompt", "When is lunch?"}};
    body.update(json::parse(more));
    return decode_ollama_request(OllamaEndpoint::kGenerate, body.dump());
}
Decoded openai_chat(bool stream, const char* more) {
    return decode_openai_request(OpenAiEndpoint::kChat, "/v1/chat/completions",
                                 chat_body(stream, more).dump());
}
Decoded openai_responses(bool stream, const char* more) {
    json body{{"model", "m@handbook"}, {"stream", stream}, {"input", "When is lunch?"}};
    body.update(json::parse(more));
    return decode_responses_request(body.dump());
}
Decoded anthropic(bool stream, const char* more) {
    json body = chat_body(stream, more);
    body["max_tokens"] = 100;
    return decode_anthropic_request(body.dump());
}

std::shared_ptr<Grounding> grounding() {
    auto made = std::make_shared<Grounding>();
    made->passages = "PASSAGES";
    made->closing = [](std::string_view answer) {
        return Closing{"\n\nSources of " + std::to_string(answer.size()) + " bytes",
                       R"([{"n":1}])"};
    };
    return made;
}

BridgeContext context_of(Dialect engine, std::shared_ptr<const Grounding> grounding) {
    BridgeContext context;
    context.target.dialect = engine;
    context.target.served_model = "served";
    context.target.profile = std::make_shared<const Profile>();
    context.target.traits = std::make_shared<EngineTraits>();
    context.grounding = std::move(grounding);
    return context;
}

/// "Noon [1]." as the engine's stream.
std::string engine_answer(Dialect engine) {
    if (engine == Dialect::kOllama)
        return R"({"model":"served","message":{"role":"assistant","content":"Noon [1]."},"done":false})"
               "\n"
               R"({"model":"served","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2})"
               "\n";
    return "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Noon "
           "[1].\"},\"finish_reason\":null}]}\n\n"
           "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
           "data: "
           "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_"
           "tokens\":"
           "5}}\n\n"
           "data: [DONE]\n\n";
}

struct Asked {
    json request;      // what the engine got
    std::string path;  // where
    Output out;
};

Asked ask(const FrontRequest& request, BridgeContext context) {
    Asked asked;
    const Dialect engine = context.target.dialect;
    auto bridge = request.bridge(std::move(context));
    EXPECT_TRUE(bridge) << bridge.error().message;
    auto calls = (*bridge)->start({}, asked.out);
    EXPECT_TRUE(calls) << calls.error().message;
    if (calls->empty()) return asked;
    const EngineCall call = calls->front();
    asked.request = json::parse(call.body);
    asked.path = call.path;
    std::string all;
    const auto take = [&] { all += std::exchange(asked.out.bytes, {}); };
    EngineAnswer head;
    head.status = 200;
    head.content_type = engine == Dialect::kOllama ? "application/x-ndjson" : "text/event-stream";
    (*bridge)->on_head(call.id, head, {}, asked.out);
    for (const char c : engine_answer(engine)) {
        (*bridge)->on_bytes(call.id, std::string(1, c), {}, asked.out);
        if (asked.out.state == Output::State::kAnswering) take();
    }
    (*bridge)->on_end(call.id, {}, asked.out);
    take();
    asked.out.bytes = std::move(all);
    return asked;
}

class GroundingTest : public ::testing::TestWithParam<std::tuple<Front, Dialect, bool>> {};

TEST_P(GroundingTest, PassagesGoInAndSourcesComeBehind) {
    const auto& [front, engine, stream] = GetParam();
    const auto request = front.decode(stream, "{}");
    ASSERT_TRUE(request) << request.error().message;
    const auto turns = (*request)->turns();
    ASSERT_TRUE(turns);
    ASSERT_FALSE(turns->empty());
    EXPECT_EQ(turns->back().text(), "When is lunch?");

    const auto asked = ask(**request, context_of(engine, grounding()));
    EXPECT_EQ(asked.path, engine == Dialect::kOllama ? "/api/chat" : "/v1/chat/completions");
    EXPECT_EQ(asked.request["model"], "served");
    ASSERT_EQ(asked.request["messages"].size(), 2U) << asked.request;
    EXPECT_EQ(asked.request["messages"][0]["role"], "system");
    EXPECT_EQ(asked.request["messages"][0]["content"], "PASSAGES");
    EXPECT_EQ(asked.out.state, Output::State::kDone);
    const std::string& bytes = asked.out.bytes;
    EXPECT_NE(bytes.find("Noon [1]."), std::string::npos) << bytes;
    EXPECT_NE(bytes.find("Sources of 9 bytes"), std::string::npos) << bytes;
    EXPECT_NE(bytes.find(R"("sources":[{"n":1}])"), std::string::npos) << bytes;
    EXPECT_NE(bytes.find("m@handbook"), std::string::npos) << "the client's own name";
}

TEST(Grounding, PassagesAreCounted) {
    const auto request = decode_anthropic_count_request(
        R"({"model":"m@handbook","messages":[{"role":"user","content":"When is lunch?"}]})");
    ASSERT_TRUE(request);
    auto context = context_of(Dialect::kOpenAi, grounding());
    auto bridge = (*request)->bridge(std::move(context));
    ASSERT_TRUE(bridge);
    Output out;
    const auto calls = (*bridge)->start({}, out);
    ASSERT_TRUE(calls);
    ASSERT_EQ(calls->size(), 1U);
    EXPECT_EQ(calls->front().path, "/tokenize");
    EXPECT_NE(calls->front().body.find("PASSAGES"), std::string::npos) << calls->front().body;

    auto without = std::make_shared<Grounding>(*grounding());
    without->said = "There is nothing about that.";
    const auto asked = ask(**request, context_of(Dialect::kOpenAi, without));
    EXPECT_EQ(asked.path, "");
    EXPECT_EQ(asked.out.bytes, R"({"input_tokens":0})");
}

TEST_P(GroundingTest, AnAnswerWithoutAnEngineIsWhole) {
    const auto& [front, engine, stream] = GetParam();
    auto only = std::make_shared<Grounding>();
    only->said = "Nothing is known.";
    only->closing = [](std::string_view) { return Closing{"", "[]"}; };
    const auto asked = ask(**front.decode(stream, "{}"), context_of(engine, only));
    EXPECT_EQ(asked.out.state, Output::State::kDone);
    EXPECT_EQ(asked.out.status, 200);
    EXPECT_NE(asked.out.bytes.find("Nothing is known."), std::string::npos) << asked.out.bytes;
    EXPECT_NE(asked.out.bytes.find(R"("sources":[])"), std::string::npos) << asked.out.bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Fronts, GroundingTest,
    ::testing::Combine(::testing::Values(Front{"OllamaChat", ollama_chat},
                                         Front{"OllamaGenerate", ollama_generate},
                                         Front{"OpenAiChat", openai_chat},
                                         Front{"OpenAiResponses", openai_responses},
                                         Front{"Anthropic", anthropic}),
                       ::testing::Values(Dialect::kOllama, Dialect::kOpenAi), ::testing::Bool()),
    [](const auto& test) {
        return std::string(std::get<0>(test.param).name) +
               (std::get<1>(test.param) == Dialect::kOllama ? "AtOllama" : "AtVllm") +
               (std::get<2>(test.param) ? "Stream" : "Whole");
    });

TEST(Grounding, TheClientsOwnSystemPromptStaysBeforeThePassages) {
    const auto request = decode_ollama_request(
        OllamaEndpoint::kGenerate, R"({"model":"m@h","prompt":"Lunch?","system":"Be brief."})");
    const auto asked = ask(**request, context_of(Dialect::kOpenAi, grounding()));
    EXPECT_EQ(asked.request["messages"][0]["content"], "Be brief.\n\nPASSAGES") << asked.request;
}

TEST(Grounding, WhereJsonIsWantedTheSourcesAreNoPartOfTheText) {
    using Case = std::pair<Front, const char*>;
    for (const auto& [front, more] :
         {Case{{"OllamaChat", ollama_chat}, R"({"format":"json"})"},
          Case{{"OpenAiChat", openai_chat}, R"({"response_format":{"type":"json_object"}})"}}) {
        const auto asked =
            ask(**front.decode(false, more), context_of(Dialect::kOpenAi, grounding()));
        EXPECT_EQ(asked.out.bytes.find("Sources of"), std::string::npos) << asked.out.bytes;
        EXPECT_NE(asked.out.bytes.find(R"("sources":[{"n":1}])"), std::string::npos);
    }
}

TEST(Grounding, WhatIsNoChatHasNoTurns) {
    const auto embeds = decode_openai_request(OpenAiEndpoint::kEmbeddings, "/v1/embeddings",
                                              R"({"model":"m@h","input":"x"})");
    EXPECT_FALSE((*embeds)->turns());
    const auto raw = decode_ollama_request(OllamaEndpoint::kGenerate,
                                           R"({"model":"m@h","prompt":"x","raw":true})");
    EXPECT_FALSE((*raw)->turns());
    const auto load = decode_ollama_request(OllamaEndpoint::kGenerate, R"({"model":"m@h"})");
    const auto turns = (*load)->turns();
    ASSERT_TRUE(turns);
    EXPECT_TRUE(turns->empty()) << "loading asks nothing";
}

}  // namespace
}  // namespace segue::llm
