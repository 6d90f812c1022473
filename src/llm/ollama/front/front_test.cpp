#include "llm/ollama/front/front.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace segue::llm {
namespace {

using enum OllamaEndpoint;
using nlohmann::json;

BridgeContext vllm(Profile profile = {}) {
    BridgeContext context;
    context.target.dialect = Dialect::kOpenAi;
    context.target.engine = "gpu";
    context.target.served_model = "served";
    context.target.profile = std::make_shared<const Profile>(std::move(profile));
    context.target.traits = std::make_shared<EngineTraits>();
    context.target.max_model_len = 1024;
    return context;
}

std::unique_ptr<FrontRequest> decoded(OllamaEndpoint endpoint, std::string_view body) {
    auto request = decode_ollama_request(endpoint, body);
    EXPECT_TRUE(request) << request.error().message;
    return request ? std::move(*request) : nullptr;
}

/// The first call to the engine, as JSON; or the refusal's text.
json asked(OllamaEndpoint endpoint, std::string_view body, BridgeContext context = vllm()) {
    auto bridge = decoded(endpoint, body)->bridge(std::move(context));
    if (!bridge) return fmt::format("{} {}", bridge.error().status, bridge.error().message);
    Output out;
    auto calls = (*bridge)->start({}, out);
    if (!calls) return fmt::format("{} {}", calls.error().status, calls.error().message);
    if (calls->empty()) return out.bytes;
    json call = json::parse(calls->at(0).body);
    call["_path"] = calls->at(0).path;
    call["_ignored"] = (*bridge)->declarations().ignored_header();
    return call;
}

std::string chat_with(std::string_view members) {
    return fmt::format(R"({{"model":"M","messages":[{{"role":"user","content":"Hello"}}],{}}})",
                       members);
}

TEST(OllamaFront, KnowsItsRequest) {
    const auto chat = decoded(kChat, chat_with(R"("stream":true)"));
    EXPECT_EQ(chat->front(), Dialect::kOllama);
    EXPECT_EQ(chat->model(), "M");
    EXPECT_TRUE(chat->streaming());
    EXPECT_FALSE(decoded(kChat, chat_with(R"("stream":false)"))->streaming());
    EXPECT_FALSE(decoded(kChat, R"({"model":"M"})")->streaming());
    EXPECT_FALSE(decoded(kEmbed, R"({"model":"M","input":"a"})")->streaming());
}

TEST(OllamaFront, ChatBecomesChatCompletions) {  // C43, C40's order, C41
    const json call =
        asked(kChat, chat_with(R"("options":{"num_gpu":1,"num_keep":2,"seed":-1},"shift":true)"));
    EXPECT_EQ(call["_path"], "/v1/chat/completions");
    EXPECT_EQ(call["model"], "served");
    EXPECT_EQ(call["temperature"], 0.8);
    EXPECT_EQ(call["top_k"], 40);
    EXPECT_EQ(call["top_p"], 0.9);
    EXPECT_FALSE(call.contains("seed"));
    EXPECT_EQ(call["_ignored"], "num_gpu, num_keep, shift");
    EXPECT_EQ(asked(kChat, chat_with(R"("options":{"mirostat":0,"repeat_penalty":1})"))["_ignored"],
              "");
}

TEST(OllamaFront, AllOptionsAtOnce) {  // C40
    const json call = asked(
        kChat,
        chat_with(R"("options":{"num_keep":5,"seed":42,"num_predict":6,"top_k":2.9,"top_p":0.5,
        "min_p":0.1,"typical_p":0.7,"repeat_last_n":33,"temperature":0.3,"repeat_penalty":1.2,"presence_penalty":0.4,
        "frequency_penalty":0.6,"stop":["x"],"num_ctx":512,"num_batch":1,"num_gpu":1,"main_gpu":1,"num_thread":8,
        "use_mmap":true,"draft_num_predict":2,"mirostat":1,"min_tokens":1})"));
    EXPECT_EQ(call["_ignored"],
              "num_keep, typical_p, repeat_last_n, num_ctx, num_batch, num_gpu, main_gpu, "
              "num_thread, use_mmap, "
              "draft_num_predict, mirostat");
    EXPECT_EQ(call["top_k"], 2);
    EXPECT_EQ(call["repetition_penalty"], 1.2);
    EXPECT_EQ(call["min_tokens"], 1);
    EXPECT_EQ(call["max_tokens"], 6);
}

TEST(OllamaFront, GenerateForms) {  // C28-C33
    EXPECT_EQ(asked(kGenerate, R"({"model":"M","prompt":"p","system":"s"})")["messages"],
              json::parse(R"([{"role":"system","content":"s"},{"role":"user","content":"p"}])"));
    const json raw = asked(kGenerate, R"({"model":"M","prompt":"p","raw":true})");
    EXPECT_EQ(raw["_path"], "/v1/completions");
    EXPECT_EQ(raw["prompt"], "p");
    EXPECT_EQ(raw["max_tokens"], 1023);
    const json rendered =
        asked(kGenerate, R"({"model":"M","prompt":"p","template":"<u>{{ .Prompt }}</u>"})");
    EXPECT_EQ(rendered["prompt"], "<u>p</u>");
    EXPECT_EQ(asked(kGenerate, R"({"model":"M","prompt":"p","template":"{{ toUpper .Prompt }}"})"),
              "400 custom templates are not supported by this engine");
    EXPECT_EQ(asked(kGenerate, R"({"model":"M","prompt":"p","suffix":"x"})")["suffix"], "x");
    EXPECT_EQ(asked(kGenerate, R"({"model":"M","prompt":"p","raw":true,"system":"s"})"),
              "400 raw mode does not support template, system, or context");
    EXPECT_EQ(asked(kChat, chat_with(R"("_debug_render_only":true)")),
              "400 not supported by this engine");
}

TEST(OllamaFront, RefusalsBeforeTheEngine) {  // C05, C18, C42
    EXPECT_EQ(asked(kChat, chat_with(R"("think":true)")), "400 \"M\" does not support thinking");
    EXPECT_EQ(asked(kChat, chat_with(R"("options":{"temperature":"hot"})")),
              "500 option \"temperature\" must be of type float32");
    EXPECT_EQ(asked(kChat, chat_with(R"("format":"xml")")),
              R"(500 invalid format: "\"xml\""; expected "json" or a valid JSON Schema object)");
}

TEST(OllamaFront, LoadFormsAndEmptyInputsNeedNoEngine) {  // C44, C50, C51
    EXPECT_TRUE(asked(kGenerate, R"({"model":"M"})")
                    .get<std::string>()
                    .ends_with(R"("response":"","done":true,"done_reason":"load"})"));
    EXPECT_EQ(asked(kEmbed, R"({"model":"M","input":[]})"), R"({"model":"M","embeddings":[]})");
    EXPECT_EQ(asked(kEmbeddings, R"({"model":"M","prompt":""})"), R"({"embedding":[]})");
}

TEST(OllamaFront, EmbeddingsNeverSendDimensions) {  // C49, C50
    const json call = asked(kEmbed, R"({"model":"M","input":["a",""],"dimensions":8})");
    EXPECT_EQ(call["_path"], "/v1/embeddings");
    EXPECT_EQ(call["input"], json::parse(R"(["a"," "])"));
    EXPECT_FALSE(call.contains("dimensions"));
}

TEST(OllamaFront, ExactContextAsksForTokenIds) {  // C34
    Profile profile;
    profile.exact_context = true;
    EXPECT_EQ(asked(kGenerate, R"({"model":"M","prompt":"p"})", vllm(profile))["return_token_ids"],
              true);
    EXPECT_FALSE(
        asked(kChat, chat_with(R"("stream":true)"), vllm(profile)).contains("return_token_ids"));
}

TEST(OllamaFront, AWholeChatRunsThroughTheBridge) {  // C01, C07 with a stream from the engine
    auto bridge = decoded(kChat, chat_with(R"("stream":false)"))->bridge(vllm());
    ASSERT_TRUE(bridge);
    Output out;
    const auto calls = (*bridge)->start({}, out);
    ASSERT_TRUE(calls);
    const std::uint32_t call = calls->at(0).id;
    EngineAnswer head;
    head.status = 200;
    head.content_type = "text/event-stream; charset=utf-8";
    (*bridge)->on_sent(call, {});
    (*bridge)->on_head(call, head, {}, out);
    for (
        const auto* data :
        {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})",
         R"({"choices":[{"index":0,"delta":{"content":"<think>a</th"},"finish_reason":null}]})",
         R"({"choices":[{"index":0,"delta":{"content":"ink>\n\nb"},"finish_reason":null}]})",
         R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
         R"({"choices":[],"usage":{"prompt_tokens":24,"total_tokens":35,"completion_tokens":11}})",
         "[DONE]"})
        (*bridge)->on_bytes(call, fmt::format("data: {}\n\n", data), {}, out);
    (*bridge)->on_end(call, {}, out);
    ASSERT_EQ(out.state, Output::State::kDone) << (out.failure ? out.failure->message : "");
    const json answer = json::parse(out.bytes);
    EXPECT_EQ(answer["model"], "M");
    EXPECT_EQ(answer["message"]["content"], "b");
    EXPECT_EQ(answer["message"]["thinking"], "a");
    EXPECT_EQ(answer["prompt_eval_count"], 24);
    EXPECT_EQ(answer["eval_count"], 11);
}

}  // namespace
}  // namespace segue::llm
