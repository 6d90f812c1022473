#include "llm/ollama/front/names.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

TEST(OllamaNames, OneModelHasOneCanonicalName) {  // C58
    for (const auto* name : {"M", "M:latest", "library/M", "registry.ollama.ai/library/m:LATEST",
                             " m ", "https://registry.ollama.ai/library/m"})
        EXPECT_EQ(canonical_model_name(name), "m:latest") << name;
    EXPECT_EQ(canonical_model_name("Llama3.1:8B"), "llama3.1:8b");
    EXPECT_EQ(canonical_model_name("me/my"), "me/my:latest");
    EXPECT_EQ(canonical_model_name("localhost:5000/me/my:1"), "localhost:5000/me/my:1");
    EXPECT_EQ(canonical_model_name("_x-y.z:q4_K-M"), "_x-y.z:q4_k-m");
}

TEST(OllamaNames, RefusesWhatOllamaRefuses) {  // C59, wire 1.3
    for (const auto* name : {"", " ", "///bad name", "m@sha256:0000", "m:", ":tag", "-m", ".m",
                             "a b", "m:a:b", "n.s/m", "/m", "a//m", "m\xC3\xA9"})
        EXPECT_EQ(canonical_model_name(name), std::nullopt) << name;
    EXPECT_TRUE(canonical_model_name(std::string(80, 'a')));
    EXPECT_FALSE(canonical_model_name(std::string(81, 'a')));
    EXPECT_TRUE(canonical_model_name(std::string(350, 'h') + "/n/m"));
    EXPECT_FALSE(canonical_model_name(std::string(351, 'h') + "/n/m"));
}

TEST(OllamaNames, FullAndShortNamesKeepTheCase) {
    EXPECT_EQ(full_model_name("segue-tiny"), "registry.ollama.ai/library/segue-tiny:latest");
    EXPECT_EQ(full_model_name("Me/My:1"), "registry.ollama.ai/Me/My:1");
    EXPECT_EQ(full_model_name("a b"), "a b");
    EXPECT_EQ(short_model_name("library/Nope"), "Nope:latest");
}

TEST(OllamaNames, BothSourceSuffixes) {
    EXPECT_TRUE(has_both_source_suffixes("m:local:cloud"));
    EXPECT_TRUE(has_both_source_suffixes("m:1b-cloud:local"));
    EXPECT_FALSE(has_both_source_suffixes("m:cloud"));
    EXPECT_FALSE(has_both_source_suffixes("m-cloud"));
    EXPECT_FALSE(has_both_source_suffixes(""));
}

}  // namespace
}  // namespace segue::llm
