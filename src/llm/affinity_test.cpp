#include "llm/affinity.hpp"

#include <gtest/gtest.h>

#include <string>

#include "llm/anthropic/front.hpp"
#include "llm/ollama/front/front.hpp"
#include "llm/openai/front/front.hpp"
#include "llm/openai/responses/front.hpp"

namespace segue::llm {
namespace {

const std::string kFirst =
    R"({"role":"system","content":"Be brief."},{"role":"user","content":"Hello"})";
const std::string kOther =
    R"({"role":"system","content":"Be brief."},{"role":"user","content":"Bye"})";
const std::string kLater =
    R"(,{"role":"assistant","content":"Hi."},{"role":"user","content":"Why?"})";

std::string chat(const std::string& messages, const std::string& more = "") {
    return R"({"model":"m","max_tokens":9,"messages":[)" + messages + "]" + more + "}";
}

template <class Decoded>
std::uint64_t key(const Decoded& request) {
    EXPECT_TRUE(request);
    return request ? (*request)->affinity_key() : 0;
}
std::uint64_t openai(const std::string& body, OpenAiEndpoint endpoint = OpenAiEndpoint::kChat) {
    return key(decode_openai_request(endpoint, "/v1/x", body));
}
std::uint64_t ollama(const std::string& body, OllamaEndpoint endpoint = OllamaEndpoint::kChat) {
    return key(decode_ollama_request(endpoint, body));
}
std::uint64_t anthropic(const std::string& body) {
    return key(decode_anthropic_request(body));
}

TEST(Affinity, AGrowingConversationKeepsItsKey) {
    EXPECT_NE(openai(chat(kFirst)), 0U);
    EXPECT_EQ(openai(chat(kFirst)), openai(chat(kFirst + kLater)));
    EXPECT_NE(openai(chat(kFirst)), openai(chat(kOther)));
    EXPECT_NE(ollama(chat(kFirst)), 0U);
    EXPECT_EQ(ollama(chat(kFirst)), ollama(chat(kFirst + kLater)));
    EXPECT_NE(ollama(chat(kFirst)), ollama(chat(kOther)));
    const std::string user = R"({"role":"user","content":"Hello"})";
    EXPECT_NE(anthropic(chat(user)), 0U);
    EXPECT_EQ(anthropic(chat(user)), anthropic(chat(user + kLater)));
    EXPECT_NE(anthropic(chat(user)), anthropic(chat(user, R"(,"system":"Be brief.")")));
}

TEST(Affinity, PromptCacheKeyWins) {
    const std::string given = R"(,"prompt_cache_key":"session-7")";
    EXPECT_EQ(openai(chat(kFirst, given)), openai(chat(kOther, given)));
    EXPECT_NE(openai(chat(kFirst, given)), openai(chat(kFirst)));
}

TEST(Affinity, Responses) {
    const auto responses = [](const std::string& body) {
        return key(decode_responses_request(body));
    };
    const std::string begin = R"({"model":"m","instructions":"Be brief.","input":[)";
    EXPECT_EQ(responses(begin + kFirst + "]}"), responses(begin + kFirst + kLater + "]}"));
    EXPECT_NE(responses(begin + kFirst + "]}"), responses(begin + kOther + "]}"));
    EXPECT_NE(responses(R"({"model":"m","input":"a"})"), responses(R"({"model":"m","input":"b"})"));
}

TEST(Affinity, PromptsByTheirBeginning) {
    const std::string begin(600, 'x');
    const auto completion = [](const std::string& prompt) {
        return openai(R"({"model":"m","prompt":")" + prompt + "\"}", OpenAiEndpoint::kCompletions);
    };
    EXPECT_EQ(completion(begin + "one"), completion(begin + "two and more"));
    EXPECT_NE(completion("one"), completion("two"));
    const auto generate = [](const std::string& more) {
        return ollama(R"({"model":"m",)" + more + "}", OllamaEndpoint::kGenerate);
    };
    EXPECT_NE(generate(R"("prompt":"one")"), generate(R"("prompt":"two")"));
    EXPECT_EQ(generate(R"("prompt":"two","context":[1,2,3])"),
              generate(R"("prompt":"three","context":[1,2,3])"));
    EXPECT_NE(generate(R"("prompt":"two","context":[1,2,3])"),
              generate(R"("prompt":"two","context":[1,2,4])"));
    EXPECT_NE(generate(R"("prompt":"one","raw":true)"), generate(R"("prompt":"two","raw":true)"));
}

TEST(Affinity, WhatIsNoConversationHasNone) {
    EXPECT_EQ(openai(R"({"model":"m","input":"text"})", OpenAiEndpoint::kEmbeddings), 0U);
    EXPECT_EQ(ollama(R"({"model":"m","input":"text"})", OllamaEndpoint::kEmbed), 0U);
    EXPECT_EQ(openai(R"({"model":"m"})"), 0U);
}

TEST(Affinity, ALongTextIsToldByItsBeginningAndItsLength) {
    const auto message = [](const std::string& text) {
        Message made;
        made.role = "user";
        made.parts.emplace_back(TextPart{text});
        return affinity_of({made});
    };
    const std::string document(1'000'000, 'x');
    EXPECT_NE(message(document), message(document + "?"));
    EXPECT_EQ(message(document + "a"), message(document + "b"));
}

}  // namespace
}  // namespace segue::llm
