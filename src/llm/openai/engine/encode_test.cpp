#include "llm/openai/engine/encode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llm/openai/engine/messages.hpp"
#include "llm/openai/engine/test_support.hpp"

namespace segue::llm::openai_engine {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Encoded {
    std::string text;
    Json body;
    Declarations declared;
};

Encoded encode(ChatRequest request, const Target& target = tiny_target()) {
    Encoded encoded;
    request.messages = prepare_messages(std::move(request.messages), *target.profile);
    auto body = encode_chat(request, target, std::nullopt, encoded.declared);
    EXPECT_TRUE(body) << body.error().message;
    encoded.text = body.value_or("{}");
    encoded.body = Json::parse(encoded.text);
    return encoded;
}

Json messages(std::vector<Message> list, const Target& target = tiny_target()) {
    ChatRequest request;
    request.model = "m";
    request.messages = std::move(list);
    return encode(std::move(request), target).body["messages"];
}

Message assistant_call(std::string id, std::string name, std::string arguments) {
    Message message;
    message.role = "assistant";
    message.tool_calls.push_back({std::move(id), std::move(name), std::move(arguments)});
    return message;
}

Message tool_result(std::string text, std::string name, std::string id = "") {
    Message message = message_of("tool", std::move(text));
    message.tool_name = std::move(name);
    message.tool_call_id = std::move(id);
    return message;
}

TEST(OpenAiEncode, PlainQuestion) {
    ChatRequest request = ask("Hi");
    request.think.mode = Think::Mode::kOff;
    const Encoded encoded = encode(request);
    EXPECT_EQ(encoded.body, Json::parse(R"({"model":"segue-tiny","messages":[{"role":"user",
        "content":"Hi"}],"stream":true,"stream_options":{"include_usage":true},
        "chat_template_kwargs":{"enable_thinking":false,"thinking":false}})"));
    EXPECT_EQ(encoded.declared.ignored_header() + encoded.declared.adjusted_header(), "");
}

TEST(OpenAiEncode, C35Limits) {
    const auto limit = [](std::int64_t wanted) {
        ChatRequest request = ask("Hi");
        request.sampling.max_tokens = wanted;
        return encode(request).body.value("max_tokens", std::int64_t{-1});
    };
    EXPECT_EQ(limit(-1), -1);
    EXPECT_EQ(limit(-2), -1);
    EXPECT_EQ(limit(0), 1);
    EXPECT_EQ(limit(6), 6);
    EXPECT_EQ(limit(100000), 1023);
}

TEST(OpenAiEncode, SamplingIsClampedAndSaysSo) {
    ChatRequest request = ask("Hi");
    Sampling& sampling = request.sampling;
    sampling.temperature = 3;
    sampling.top_p = 0;
    sampling.top_k = -1;
    sampling.min_p = 2;
    sampling.seed = -1;
    sampling.presence_penalty = -3;
    sampling.frequency_penalty = 0;
    sampling.repeat_penalty = 1.1;
    sampling.stop = {"", "a", "b", "c", "d", "e"};
    const Encoded encoded = encode(request);
    EXPECT_EQ(encoded.body["temperature"], 2);
    EXPECT_EQ(encoded.body["top_p"], 1e-6);
    EXPECT_EQ(encoded.body["top_k"], 0);
    EXPECT_EQ(encoded.body["min_p"], 1);
    EXPECT_FALSE(encoded.body.contains("seed"));
    EXPECT_EQ(encoded.body["presence_penalty"], -2);
    EXPECT_FALSE(encoded.body.contains("frequency_penalty"));
    EXPECT_EQ(encoded.body["repetition_penalty"], 1.1);
    EXPECT_EQ(encoded.body["stop"], Json::parse(R"(["a","b","c","d"])"));
    EXPECT_EQ(encoded.declared.adjusted_header(),
              "temperature, top_p, min_p, presence_penalty, stop");
    EXPECT_THAT(stops_for_segue(sampling), ElementsAre("e"));
}

TEST(OpenAiEncode, C40ExtrasInRequestOrder) {
    ChatRequest request = ask("Hi");
    request.extras = {{"typical_p", "0.7"}, {"num_gpu", "1"},       {"min_tokens", "3"},
                      {"num_keep", "8"},    {"frobnicate", "1"},    {"num_ctx", "512"},
                      {"mirostat", "0"},    {"repeat_last_n", "33"}};
    Encoded encoded = encode(request);
    EXPECT_EQ(encoded.declared.ignored_header(),
              "typical_p, num_gpu, num_keep, num_ctx, repeat_last_n");
    EXPECT_EQ(encoded.body["min_tokens"], 3);
    EXPECT_FALSE(encoded.body.contains("frobnicate"));
    request.extras = {{"num_ctx", "512"}};
    EXPECT_FALSE(encode(request).declared.strict_refusal());
    request.extras = {{"num_ctx", "8192"}};
    encoded = encode(request);
    EXPECT_EQ(encoded.declared.ignored_header(), "num_ctx");
    ASSERT_TRUE(encoded.declared.strict_refusal());
    EXPECT_THAT(encoded.declared.strict_refusal()->message, HasSubstr("num_ctx"));
}

TEST(OpenAiEncode, RefusedFieldsAreLeftOutAndDeclared) {
    Target target = tiny_target();
    target.traits->refuse_field("min_p");
    target.traits->refuse_field("stream_options");
    ChatRequest request = ask("Hi");
    request.sampling.min_p = 0.1;
    const Encoded encoded = encode(request, target);
    EXPECT_FALSE(encoded.body.contains("min_p"));
    EXPECT_FALSE(encoded.body.contains("stream_options"));
    EXPECT_EQ(encoded.declared.ignored_header(), "min_p");
}

TEST(OpenAiEncode, C17FormatsAndC16Tools) {
    ChatRequest request = ask("Hi");
    request.format = {ResponseFormat::Kind::kJsonSchema, R"({"b": 1.0, "a":[ ]})", ""};
    request.tools = {R"({"type":"function", "function":{"name":"f","strict":true}})"};
    request.tool_choice = {ToolChoice::Kind::kNamed, "f"};
    const Encoded encoded = encode(request);
    EXPECT_THAT(encoded.text,
                HasSubstr(R"("json_schema":{"name":"response","schema":{"b": 1.0, "a":[ ]}})"));
    EXPECT_THAT(encoded.text, HasSubstr(request.tools[0]));
    EXPECT_EQ(encoded.body["tool_choice"]["function"]["name"], "f");
    request.tools.clear();
    EXPECT_FALSE(encode(request).body.contains("tool_choice"));
    Target old = tiny_target();
    old.traits->guided_json = true;
    EXPECT_EQ(encode(request, old).body["guided_json"]["b"], 1.0);
}

TEST(OpenAiEncode, ThinkingSwitch) {
    const auto with = [](ThinkingStyle style, Think think) {
        Profile profile;
        profile.thinking = style;
        ChatRequest request = ask("Hi");
        request.think = std::move(think);
        Encoded encoded = encode(request, tiny_target(profile));
        encoded.body.erase("messages");
        encoded.body.erase("model");
        encoded.body.erase("stream");
        encoded.body.erase("stream_options");
        return std::pair(encoded.body.dump(), encoded.declared.adjusted_header());
    };
    using Mode = Think::Mode;
    using Pair = std::pair<std::string, std::string>;
    const std::string both_on =
        R"("chat_template_kwargs":{"enable_thinking":true,"thinking":true})";
    EXPECT_EQ(with(ThinkingStyle::kTemplate, {}), Pair("{" + both_on + "}", ""));
    EXPECT_EQ(with(ThinkingStyle::kTemplate, {Mode::kLevel, "high", {}}),
              Pair("{" + both_on + R"(,"reasoning_effort":"high"})", ""));
    EXPECT_EQ(with(ThinkingStyle::kEffort, {Mode::kOff, "", {}}),
              Pair(R"({"include_reasoning":false,"reasoning_effort":"low"})", "think"));
    EXPECT_EQ(with(ThinkingStyle::kEffort, {Mode::kLevel, "max", {}}),
              Pair(R"({"reasoning_effort":"high"})", "think"));
    EXPECT_EQ(with(ThinkingStyle::kMistral, {Mode::kOff, "", {}}),
              Pair(R"({"reasoning_effort":"none"})", ""));
    EXPECT_EQ(with(ThinkingStyle::kAlways, {Mode::kOn, "", {}}), Pair("{}", ""));
    EXPECT_EQ(with(ThinkingStyle::kNo, {Mode::kOff, "", {}}), Pair("{}", ""));
    Profile profile;
    profile.thinking = ThinkingStyle::kNo;
    ChatRequest request = ask("Hi");
    request.think.mode = Mode::kOn;
    Declarations declared;
    const auto refused = encode_chat(request, tiny_target(profile), std::nullopt, declared);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "\"m\" does not support thinking");
}

TEST(OpenAiEncode, C14C15IdsOfToolCalls) {
    const auto history = [] {
        return std::vector{message_of("user", "weather?"),
                           assistant_call("", "get", R"({"city": "Paris"})"),
                           tool_result("21", "get")};
    };
    const Json first = messages(history());
    EXPECT_EQ(first[1]["content"], nullptr);
    EXPECT_EQ(first[1]["tool_calls"][0]["function"]["arguments"], R"({"city":"Paris"})");
    EXPECT_EQ(first[1]["tool_calls"][0]["id"], first[2]["tool_call_id"]);
    EXPECT_EQ(first[2]["name"], "get");
    EXPECT_EQ(first, messages(history()));

    Message two = assistant_call("", "get", "{}");
    two.tool_calls.push_back(two.tool_calls[0]);
    const Json twice =
        messages({message_of("user", "w"), two, tool_result("1", "get"), tool_result("2", "get")});
    EXPECT_EQ(twice[1]["tool_calls"][0]["id"], twice[2]["tool_call_id"]);
    EXPECT_EQ(twice[1]["tool_calls"][1]["id"], twice[3]["tool_call_id"]);
    EXPECT_NE(twice[2]["tool_call_id"], twice[3]["tool_call_id"]);

    Profile mistral;
    mistral.mistral_ids = true;
    const Json nine = messages({message_of("user", "w"), assistant_call("call_1", "get", ""),
                                tool_result("1", "", "call_1")},
                               tiny_target(mistral));
    EXPECT_EQ(nine[1]["tool_calls"][0]["id"].get<std::string>().size(), 9U);
    EXPECT_EQ(nine[1]["tool_calls"][0]["id"], nine[2]["tool_call_id"]);
}

TEST(OpenAiEncode, ReasoningOnlyWithinAToolLoop) {
    Message old = message_of("assistant", "<think>x</think>\n\nseven");
    old.reasoning = "because";
    Message now = assistant_call("a", "f", "{}");
    now.reasoning = "need f";
    const std::vector<Message> history{message_of("user", "3+4?"), old, message_of("user", "and?"),
                                       now, tool_result("8", "f")};
    Target target = tiny_target();
    Json sent = messages(history, target);
    EXPECT_EQ(sent[1]["content"], "seven");
    EXPECT_FALSE(sent[1].contains("reasoning"));
    EXPECT_EQ(sent[3]["reasoning"], "need f");
    EXPECT_FALSE(sent[3].contains("reasoning_content"));
    target.traits->answers_reasoning_content = true;
    sent = messages(history, target);
    EXPECT_EQ(sent[3]["reasoning_content"], "need f");
}

TEST(OpenAiEncode, C19ImagesAndC23EmptyContent) {
    Message user = message_of("user", "what?");
    user.parts.emplace_back(ImagePart{"image/png", "iVBOR", ""});
    user.parts.emplace_back(ImagePart{"", "", "http://x/y.png"});
    user.parts.emplace_back(AudioPart{"wav", "UklGR"});
    const Json sent = messages({user, Message{}});
    EXPECT_EQ(sent[0]["content"], Json::parse(R"([{"type":"text","text":"what?"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR"}},
        {"type":"image_url","image_url":{"url":"http://x/y.png"}},
        {"type":"input_audio","input_audio":{"data":"UklGR","format":"wav"}}])"));
    EXPECT_EQ(sent[1], Json::parse(R"({"role":"user","content":""})"));
}

TEST(OpenAiEncode, TemplateRepairs) {
    Profile profile;
    profile.join_neighbours = true;
    profile.fold_system = true;
    const Json sent = messages({message_of("system", "S"), message_of("user", "a"),
                                message_of("user", "b"), message_of("assistant", "c")},
                               tiny_target(profile));
    EXPECT_EQ(sent, Json::parse(R"([{"role":"user","content":"S\n\na\n\nb"},
                                    {"role":"assistant","content":"c"}])"));
}

TEST(OpenAiEncode, Completions) {
    CompletionRequest request;
    request.model = "m";
    request.prompts = {"3 plus 4"};
    Declarations declared;
    const auto encoded = [&](const Target& target, Suffix suffix = Suffix::kSend) {
        return Json::parse(
            encode_completion(request, target, suffix, std::nullopt, declared).value());
    };
    // C30: the default there is 16.
    EXPECT_EQ(encoded(tiny_target())["max_tokens"], 1023);
    EXPECT_EQ(encoded(tiny_target())["prompt"], "3 plus 4");
    request.suffix = "{prefix}";
    request.has_suffix = true;
    EXPECT_EQ(encoded(tiny_target())["suffix"], "{prefix}");
    Profile fim;
    fim.fim_template = "<P>{prefix}<S>{suffix}<M>";
    EXPECT_EQ(encoded(tiny_target(fim), Suffix::kByTemplate)["prompt"],
              "<P>3 plus 4<S>{prefix}<M>");
    EXPECT_THAT(declared.ignored(), IsEmpty());
}

}  // namespace
}  // namespace segue::llm::openai_engine
