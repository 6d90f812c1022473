#include "llm/ollama/front/decode.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/text.hpp"

namespace segue::llm {
namespace {

using enum OllamaEndpoint;

std::string refusal(OllamaEndpoint endpoint, std::string_view body) {
    const auto request = read_ollama_request(endpoint, body);
    if (!request) return fmt::format("{} {}", request.error().status, request.error().message);
    if (request->late_failure)
        return fmt::format("late {} {}", request->late_failure->status,
                           request->late_failure->message);
    return "ok";
}

OllamaRequest good(OllamaEndpoint endpoint, std::string_view body) {
    auto request = read_ollama_request(endpoint, body);
    EXPECT_TRUE(request) << request.error().message << " for " << body;
    return request ? std::move(*request) : OllamaRequest{};
}

std::string chat_with(std::string_view members) {
    return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"Hello"}}],{}}})",
                       members);
}
std::string message_with(std::string_view members) {
    return fmt::format(R"({{"model":"m","messages":[{{{}}}]}})", members);
}

TEST(OllamaDecode,
     RecordedRefusals) {  // recordings err_*, chat_bad_keep_alive, generate_bad_option
    EXPECT_EQ(refusal(kChat, R"({"model": )"), "400 unexpected EOF");
    EXPECT_EQ(refusal(kChat, ""), "400 missing request body");
    EXPECT_EQ(refusal(kChat, R"({"messages":[{"role":"user","content":"Hello"}]})"),
              "400 model is required");
    EXPECT_EQ(refusal(kGenerate, R"({"prompt":"Hello"})"), "404 model '' not found");
    EXPECT_EQ(refusal(kChat, R"({"model":"segue-tiny","messages":"Hello"})"),
              "400 json: cannot unmarshal string into Go struct field ChatRequest.messages of type "
              "[]api.Message");
    EXPECT_EQ(refusal(kGenerate, R"({"model":"///bad name","prompt":"x"})"),
              "400 invalid model name");
    EXPECT_EQ(refusal(kChat, chat_with(R"("keep_alive":"soon")")),
              "400 time: invalid duration \"soon\"");
    EXPECT_EQ(
        refusal(kGenerate,
                R"({"model":"m","prompt":"Hello","options":{"frobnicate":1,"temperature":"hot"}})"),
        "late 500 option \"temperature\" must be of type float32");
}

TEST(OllamaDecode,
     WrongTypesReadAsGoWritesThem) {  // C24, wire 1.3; printed by Go for the same structs
    const auto unmarshal = [](std::string_view kind, std::string_view field,
                              std::string_view type) {
        return fmt::format("400 json: cannot unmarshal {} into Go struct field {} of type {}", kind,
                           field, type);
    };
    EXPECT_EQ(refusal(kChat, chat_with(R"("stream":"yes")")),
              unmarshal("string", "ChatRequest.stream", "bool"));
    EXPECT_EQ(
        refusal(kChat, message_with(R"("role":"user","content":[{"type":"text","text":"x"}])")),
        unmarshal("array", "ChatRequest.messages.content", "string"));
    EXPECT_EQ(refusal(kChat, message_with(R"("role":1)")),
              unmarshal("number", "ChatRequest.messages.role", "string"));
    EXPECT_EQ(refusal(kChat, message_with(R"("images":"x")")),
              unmarshal("string", "ChatRequest.messages.images", "[]api.ImageData"));
    EXPECT_EQ(refusal(kChat, message_with(R"("tool_calls":[{"function":{"name":{}}}])")),
              unmarshal("object", "ChatRequest.messages.tool_calls.function.name", "string"));
    EXPECT_EQ(refusal(kChat, chat_with(R"("options":[])")),
              unmarshal("array", "ChatRequest.options", "map[string]interface {}"));
    EXPECT_EQ(refusal(kChat, chat_with(R"("top_logprobs":1.5)")),
              unmarshal("number 1.5", "ChatRequest.top_logprobs", "int"));
    EXPECT_EQ(refusal(kChat, R"({"model":7})"), unmarshal("number", "ChatRequest.model", "string"));
    EXPECT_EQ(refusal(kGenerate, R"({"model":"m","prompt":true})"),
              unmarshal("bool", "GenerateRequest.prompt", "string"));
    EXPECT_EQ(refusal(kChat, "[]"),
              "400 json: cannot unmarshal array into Go value of type api.ChatRequest");
    EXPECT_EQ(refusal(kChat, "null"), "400 model is required");
    // The first wrong type is told; an UnmarshalJSON method's error goes before it.
    EXPECT_EQ(refusal(kChat, R"({"stream":1,"model":2})"),
              unmarshal("number", "ChatRequest.stream", "bool"));
    EXPECT_EQ(refusal(kChat, R"({"stream":1,"model":"m","keep_alive":"soon"})"),
              "400 time: invalid duration \"soon\"");
}

TEST(OllamaDecode, KeepAliveAndThinkAndTopLogprobs) {  // C05, C22, C46
    for (const auto* value : {R"("10m")", "-1", R"("-1m")", "0", R"("0")", "1.5", "null"})
        EXPECT_EQ(refusal(kChat, chat_with(fmt::format(R"("keep_alive":{})", value))), "ok")
            << value;
    EXPECT_EQ(refusal(kChat, chat_with(R"("keep_alive":"-1")")),
              "400 time: missing unit in duration \"-1\"");
    EXPECT_EQ(refusal(kChat, chat_with(R"("keep_alive":true)")), "400 Unsupported type: 'bool'");
    EXPECT_EQ(refusal(kChat, chat_with(R"("think":"x")")),
              "400 invalid think value: \"x\" (must be \"high\", \"medium\", \"low\", \"max\", "
              "true, or false)");
    EXPECT_EQ(refusal(kChat, chat_with(R"("top_logprobs":21)")),
              "400 top_logprobs must be between 0 and 20");
    EXPECT_EQ(refusal(kChat, chat_with(R"("top_logprobs":-1)")),
              "400 top_logprobs must be between 0 and 20");
    const auto request =
        good(kChat, chat_with(R"("think":"max","logprobs":true,"top_logprobs":2)"));
    EXPECT_EQ(request.chat.think.mode, Think::Mode::kLevel);
    EXPECT_EQ(request.chat.think.level, "max");
    EXPECT_EQ(request.chat.top_logprobs, 2);
    EXPECT_EQ(good(kChat, chat_with(R"("top_logprobs":2)")).chat.top_logprobs, std::nullopt);
}

TEST(OllamaDecode, FieldNamesIgnoreCaseAndTrailingBytesAreNotRead) {
    const auto request = good(
        kChat,
        "{\"MODEL\":\"m\",\"Messages\":[{\"Role\":\"Wizard\",\"CONTENT\":\"x\"}],\"x\":1}junk");
    EXPECT_EQ(request.model, "m");
    ASSERT_EQ(request.chat.messages.size(), 1U);
    EXPECT_EQ(request.chat.messages[0].role, "wizard");
    EXPECT_EQ(request.chat.messages[0].text(), "x");
    EXPECT_EQ(request.body,
              "{\"MODEL\":\"m\",\"Messages\":[{\"Role\":\"Wizard\",\"CONTENT\":\"x\"}],\"x\":1}");
}

TEST(OllamaDecode, BrokenTextIsRepairedAsGoDoes) {
    const auto request =
        good(kChat, "{\"model\":\"m\",\"messages\":[{\"content\":\"a\xFF\\ud800\"}]}");
    EXPECT_EQ(request.chat.messages.at(0).text(), "a\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_TRUE(is_valid_utf8(request.body));
}

TEST(OllamaDecode, MessageForms) {  // C23
    const auto request =
        good(kChat, R"({"model":"m","messages":[{"content":null},{"role":"user","content":""},
        {"role":"assistant","content":"","thinking":"t","tool_calls":[{"id":"i","function":{"index":0,"name":"f","arguments":{"b": 1, "a":12345678901234567890}}},
        {"function":{"name":"g"}}]},{"role":"tool","content":"21","tool_name":"f","tool_call_id":"i"}]})");
    const auto& messages = request.chat.messages;
    ASSERT_EQ(messages.size(), 4U);
    EXPECT_EQ(messages[0].role, "user");
    EXPECT_EQ(messages[0].parts.size(), 1U);
    EXPECT_EQ(messages[1].parts.size(), 1U);
    EXPECT_TRUE(messages[2].content_is_null);
    EXPECT_EQ(messages[2].reasoning, "t");
    EXPECT_EQ(messages[2].tool_calls[0].id, "i");
    EXPECT_EQ(messages[2].tool_calls[0].arguments, R"({"b":1,"a":12345678901234567890})");
    EXPECT_EQ(messages[2].tool_calls[1].arguments, "");
    EXPECT_EQ(messages[3].tool_name, "f");
    EXPECT_EQ(messages[3].tool_call_id, "i");
    EXPECT_EQ(request.purpose, OllamaRequest::Purpose::kAnswer);
    EXPECT_EQ(
        refusal(kChat, message_with(
                           R"("role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}])")),
        "400 Value looks like object, but can't find closing '}' symbol");
}

TEST(OllamaDecode, Images) {  // C19, C20
    const auto request = good(
        kChat,
        message_with(
            R"("content":"look","images":["iVBORw0KGgo=","data:image/png;base64,iVBORw0KGgo=","/9j/",)"
            R"("UklGRgAAAABXRUJQ","UklGRgAAAABXQVZF","SUQzBA=="])"));
    const auto& parts = request.chat.messages.at(0).parts;
    ASSERT_EQ(parts.size(), 7U);
    EXPECT_EQ(std::get<TextPart>(parts[0]).text, "look");
    EXPECT_EQ(std::get<ImagePart>(parts[1]).media_type, "image/png");
    EXPECT_EQ(std::get<ImagePart>(parts[2]).base64, "iVBORw0KGgo=");
    EXPECT_EQ(std::get<ImagePart>(parts[3]).media_type, "image/jpeg");
    EXPECT_EQ(std::get<ImagePart>(parts[4]).media_type, "image/webp");
    EXPECT_EQ(std::get<AudioPart>(parts[5]).format, "wav");
    EXPECT_EQ(std::get<AudioPart>(parts[6]).format, "mp3");
    EXPECT_EQ(refusal(kChat, message_with(R"("images":["!"])")),
              "400 illegal base64 data at input byte 0");
    EXPECT_EQ(refusal(kGenerate, R"({"model":"m","prompt":"x","images":["!"]})"),
              "400 illegal base64 data at input byte 0");
}

TEST(OllamaDecode, Formats) {  // C17, C18
    EXPECT_EQ(good(kChat, chat_with(R"("format":"json")")).chat.format.kind,
              ResponseFormat::Kind::kJsonObject);
    EXPECT_EQ(good(kChat, chat_with(R"("format":"")")).chat.format.kind,
              ResponseFormat::Kind::kNone);
    EXPECT_EQ(good(kChat, chat_with(R"("format":null)")).chat.format.kind,
              ResponseFormat::Kind::kNone);
    EXPECT_EQ(good(kChat, chat_with(R"("format":{ "type" : "object" })")).chat.format.schema,
              R"({ "type" : "object" })");
    EXPECT_EQ(
        refusal(kChat, chat_with(R"("format":"xml")")),
        R"(late 500 invalid format: "\"xml\""; expected "json" or a valid JSON Schema object)");
    EXPECT_EQ(refusal(kChat, chat_with(R"("format":1)")),
              R"(late 500 invalid format: "1"; expected "json" or a valid JSON Schema object)");
}

TEST(OllamaDecode, OptionsKeepTheirOrderAndNeutralOnesGo) {  // C36, C40, C41, C42
    const auto request = good(
        kChat, chat_with(R"("options":{"num_gpu":1,"temperature":0.5,"typical_p":0.5,"mirostat":0,
        "top_k":2.9,"min_tokens":3,"num_ctx":512,"stop":["7",""],"repeat_last_n":32,"num_predict":-2,"seed":null,
        "repeat_penalty":1},"shift":true)"));
    std::string names;
    for (const Extra& extra : request.chat.extras)
        names += extra.name + "=" + extra.json + " ";
    EXPECT_EQ(names,
              "num_gpu=1 typical_p=0.5 min_tokens=3 num_ctx=512 repeat_last_n=32 shift=true ");
    const Sampling& sampling = request.chat.sampling;
    EXPECT_EQ(sampling.temperature, 0.5);
    EXPECT_EQ(sampling.top_k, 2);
    EXPECT_EQ(sampling.num_ctx, 512);
    EXPECT_EQ(sampling.typical_p, 0.5);
    EXPECT_EQ(sampling.repeat_last_n, 32);
    EXPECT_EQ(sampling.max_tokens, -2);
    EXPECT_EQ(sampling.seed, std::nullopt);
    EXPECT_EQ(sampling.repeat_penalty, 1.0);
    EXPECT_EQ(sampling.stop->size(), 2U);
    const auto option = [](std::string_view json) {
        return refusal(kChat, chat_with(fmt::format(R"("options":{{{}}})", json)));
    };
    EXPECT_EQ(option(R"("stop":"7")"), "late 500 option \"stop\" must be of type array");
    EXPECT_EQ(option(R"("stop":[7])"), "late 500 option \"stop\" must be of an array of strings");
    EXPECT_EQ(option(R"("num_ctx":"x")"), "late 500 option \"num_ctx\" must be of type integer");
    EXPECT_EQ(option(R"("use_mmap":1)"), "late 500 option \"use_mmap\" must be of type boolean");
    EXPECT_EQ(option(R"("mirostat":"x","frobnicate":{})"), "ok");
    EXPECT_EQ(option(R"("Temperature":"hot")"), "ok");  // Go's map is exact, its structs are not
    EXPECT_TRUE(
        good(kChat,
             chat_with(R"("options":{"mirostat":0,"repeat_penalty":1,"numa":false},"shift":false)"))
            .chat.extras.empty());
}

TEST(OllamaDecode, LoadAndUnloadForms) {  // C44, C45
    using enum OllamaRequest::Purpose;
    EXPECT_EQ(good(kChat, R"({"model":"m"})").purpose, kLoad);
    EXPECT_EQ(good(kChat, R"({"model":"m","messages":[],"stream":true})").purpose, kLoad);
    EXPECT_EQ(good(kGenerate, R"({"model":"m","prompt":""})").purpose, kLoad);
    EXPECT_EQ(good(kGenerate, R"({"model":"m","suffix":"x"})").purpose, kAnswer);
    for (const auto* zero : {"0", R"("0")", R"("0s")", "0.0"}) {
        EXPECT_EQ(good(kGenerate, fmt::format(R"({{"model":"m","keep_alive":{}}})", zero)).purpose,
                  kUnload);
        EXPECT_EQ(good(kChat, fmt::format(R"({{"model":"m","keep_alive":{}}})", zero)).purpose,
                  kUnload);
    }
    EXPECT_EQ(good(kGenerate, R"({"model":"m","prompt":"x","keep_alive":0})").purpose, kAnswer);
}

TEST(OllamaDecode, Generate) {  // C28, C31
    const auto request = good(
        kGenerate, R"({"model":"m","prompt":"p","system":"s","context":[1,2],"stream":false})");
    ASSERT_EQ(request.chat.messages.size(), 2U);
    EXPECT_EQ(request.chat.messages[0].role, "system");
    EXPECT_EQ(request.chat.messages[1].text(), "p");
    EXPECT_EQ(request.context, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(request.chat.extras.at(0).name, "context");
    EXPECT_FALSE(request.stream);
    for (const auto* member : {R"("system":"x")", R"("template":"x")", R"("context":[1])"})
        EXPECT_EQ(refusal(kGenerate,
                          fmt::format(R"({{"model":"m","prompt":"p","raw":true,{}}})", member)),
                  "late 400 raw mode does not support template, system, or context");
}

TEST(OllamaDecode, Embeddings) {  // C50, C51
    EXPECT_EQ(good(kEmbed, R"({"model":"m","input":"a","dimensions":8,"truncate":false})")
                  .embed.inputs.size(),
              1U);
    EXPECT_EQ(good(kEmbed, R"({"model":"m","input":["a",""]})").embed.inputs.size(), 2U);
    for (const auto* input : {R"("")", "[]", "null"})
        EXPECT_TRUE(
            good(kEmbed, fmt::format(R"({{"model":"m","input":{}}})", input)).embed.inputs.empty());
    EXPECT_EQ(refusal(kEmbed, R"({"model":"m","input":7})"), "400 invalid input type");
    EXPECT_EQ(refusal(kEmbed, R"({"model":"m","input":["a",7]})"), "400 invalid input type");
    EXPECT_EQ(good(kEmbeddings, R"({"model":"m","prompt":"a"})").embed.inputs.size(), 1U);
    EXPECT_TRUE(good(kEmbeddings, R"({"model":"m"})").embed.inputs.empty());
    EXPECT_EQ(refusal(kEmbeddings, "{}"), "400 model is required");
}

TEST(OllamaDecode, DeepNestingIsRefusedNotFollowed) {
    const std::string deep = R"({"model":"m","x":)" + std::string(1'000'000, '[');
    EXPECT_EQ(refusal(kChat, deep), "400 invalid character '[' exceeded max depth");
}

}  // namespace
}  // namespace segue::llm
