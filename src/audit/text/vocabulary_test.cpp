#include "audit/text/vocabulary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "audit/text/matcher.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

TEST(Vocabulary, TheWordIsAWord) {
    for (const char* yes :
         {"ollama", "Ollama", "OllAMA", "ollamax", "ollamaHosts", "ChatOllama", "my_ollama",
          "AIOllama", "2ollama", "x\\nollama", "%2Follama", "OLLAMA_HOST", "使用ollama"})
        EXPECT_TRUE(has_word(yes)) << yes;
    for (const char* no : {"dollama", "rollamat", "MoveToLlamaIndex", "goto_llama", "collaborate",
                           "toLlama", "DOLLAMA", "llama", "Vollama"})
        EXPECT_FALSE(has_word(no)) << no;
}

TEST(Vocabulary, PortsAreNoDigitsOfSomethingElse) {
    for (const char* yes :
         {"http://localhost:11434", "11434", "8434:11434", "(\"x\", 11434)", "\\n11434"})
        EXPECT_TRUE(find_port(yes)) << yes;
    for (const char* no :
         {"211434", "114340", "a11434f", "48.11434", "11434.5", "7,11434,", "#11434"})
        EXPECT_FALSE(find_port(no)) << no;
}

TEST(Vocabulary, Tags) {
    for (const char* yes :
         {"llama3.1:8b", "llama3.2:latest", "mistral:instruct", "qwen2.5-coder:7b-instruct-q4_K_M",
          "team/acme-m:7b", "mixtral:8x7b", "deepseek-r1:1.5b", "nomic-embed-text:latest",
          "gemma3n:e4b", "phi3:mini"})
        EXPECT_TRUE(is_tag(yes)) << yes;
    for (const char* no : {"localhost:8080", "12:30", "llama3.1", "http://x:7b/", "std::7b",
                           "redis:7", "python:3.12", "key:value", "Mistral:listModels",
                           "ai/qwen3:latest", "docker.io/ai/qwen3:8B-Q4_K_M"})
        EXPECT_FALSE(is_tag(no)) << no;
    EXPECT_TRUE(is_bare_family("llama3.2"));
    EXPECT_TRUE(is_bare_family("nomic-embed-text"));
    for (const char* no : {"mistral", "qwen", "meta-llama/llama3.1", "llama", "gemma"})
        EXPECT_FALSE(is_bare_family(no)) << no;
}

TEST(Vocabulary, PathsAreWholeSegments) {
    EXPECT_TRUE(find_native_path("http://x/api/chat?stream=1"));
    EXPECT_TRUE(find_native_path("/api/blobs/sha256:abc"));
    for (const char* no :
         {"/api/generate-report", "/api/chats", "/api/chat/history", "/v1/chat", "/api/tags/{id}"})
        EXPECT_FALSE(find_native_path(no)) << no;
}

TEST(Vocabulary, NamesInEverySpelling) {
    for (const char* yes :
         {"num_ctx", "numCtx", "NumCtx", "num-ctx", "repeatLastN", "mirostat_eta"})
        EXPECT_TRUE(is_own_option(yes)) << yes;
    EXPECT_FALSE(is_own_option("temperature"));
    EXPECT_TRUE(is_own_reply_field("promptEvalCount"));
    EXPECT_FALSE(is_own_reply_field("total"));
}

TEST(Vocabulary, Links) {
    for (const char* yes : {"https://ollama.com/library/llama3", "https://github.com/ollama/ollama",
                            "registry.ollama.ai/library/x", "see ollama.com",
                            "https://github.com/jmorganca/ollama/blob/main/docs/api.md"})
        EXPECT_TRUE(find_link(yes)) << yes;
    for (const char* no : {"https://github.com/acme/ollama-desk", "https://notollama.com",
                           "https://github.com/ollama-ui/x"})
        EXPECT_FALSE(find_link(no)) << no;
}

TEST(Matcher, FindsInAnyCase) {
    const Matcher matcher(scan_literals());
    EXPECT_TRUE(matcher.matches("xx the OLLama is here"));
    EXPECT_FALSE(matcher.matches("nothing to see, ollam a"));
    EXPECT_TRUE(
        matcher.matches("a ollollama"));  // a failed beginning must not swallow the real one
}

TEST(Matcher, FindsWhatAPlainSearchFinds) {
    const std::vector<std::vector<std::string_view>> sets{
        {"ab", "ba", "aab"}, {"a"}, {"abc", "b"}, {"bb", "bbb", "cab"}, {"-a", "a-"}, {""}};
    std::mt19937 random(7);
    for (const auto& literals : sets) {
        const Matcher matcher(literals);
        for (int round = 0; round < 2'000; ++round) {
            std::string text;
            for (auto length = random() % 12; length > 0; --length)
                text += "aAbBcC-"[random() % 7];
            std::vector<std::size_t> expected;
            for (std::size_t end = 1; end <= text.size(); ++end)
                if (std::any_of(literals.begin(), literals.end(), [&](std::string_view literal) {
                        return !literal.empty() &&
                               to_lower(std::string_view(text).substr(0, end)).ends_with(literal);
                    }))
                    expected.push_back(end);
            EXPECT_EQ(matcher.ends(text), expected) << text;
            EXPECT_EQ(matcher.matches(text), !expected.empty()) << text;
        }
    }
}

}  // namespace
}  // namespace segue::audit
