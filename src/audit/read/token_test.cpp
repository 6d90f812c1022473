#include "audit/read/token.hpp"

#include <gtest/gtest.h>

#include <random>

namespace segue::audit {
namespace {

TEST(MayHoldTokens, TellsNamesFromLettersInsideOthers) {
    for (const std::string_view text :
         {"import ollama", "http://x:11434/v1", "post('/api/chat')", "{num_ctx: 1}", "numCtx",
          "num-ctx: 4096", "keep_alive=1", "x.keepAlive", "\"llama3.2\"", "\"mine:7b\"",
          "'x/mistral:latest'", "\"\\n11434\"", "eval_count"})
        EXPECT_TRUE(may_hold_tokens(text)) << text;
    for (const std::string_view text :
         {"yield x", "philosophy", "0.114345", "keep-alive: timeout=5", "/api/shows", "num_batches",
          "{yi: 1}", "a ? b:c", "data:image/png", "http://localhost:8000", "falcon wings"})
        EXPECT_FALSE(may_hold_tokens(text)) << text;
}

TEST(FindTokens, TwoNamesWithADotBetweenAreNotOne) {
    const Source source("a.cpp",
                        "auto n = timings.prompt_eval.count() + num.ctx + reply.evalCount;");
    const auto tokens = find_tokens(source, read_segments(source));
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_EQ(source.text().substr(tokens[0].begin, tokens[0].end - tokens[0].begin), "evalCount");
}

/// It may be asked before a text is cut, so it must not miss what a segment by itself holds.
TEST(MayHoldTokens, IsTrueWhereverATokenIsFound) {
    static constexpr std::string_view kPieces[] = {
        "ollama", "11434",     "/api/chat",  "/api/",      "num_ctx", "numCtx", "num-ctx",
        "keep_",  "keepAlive", "keep-alive", "eval_count", "llama3",  "yi",     "phi",
        "qwen",   "gpt-oss",   "mine",       ":8b",        ":latest", ":",      "-q4_0",
        "\"",     "'",         "`",          " ",          "\n",      "# ",     "//",
        "/*",     "*/",        ".",          "-",          "/",       "_",      "x",
        "=",      "{",         "}",          "<a>",        "\\",      "n",      "7"};
    static constexpr const char* kNames[] = {"a.py",   "a.ts", "a.go",  "a.yaml",    "a.json",
                                             "a.ini",  ".env", "a.md",  "a.html",    "a.sh",
                                             "a.toml", "a.cs", "a.ps1", "Dockerfile"};
    std::mt19937 random(23);
    std::size_t found = 0;
    for (int round = 0; round < 60'000; ++round) {
        std::string text;
        for (auto count = 1 + random() % 9; count > 0; --count)
            text += kPieces[random() % std::size(kPieces)];
        const Source source(kNames[random() % std::size(kNames)], text);
        if (find_tokens(source, read_segments(source)).empty()) continue;
        ++found;
        ASSERT_TRUE(may_hold_tokens(text)) << source.path() << "\n" << text;
    }
    EXPECT_GT(found, 10'000U);
}

}  // namespace
}  // namespace segue::audit
