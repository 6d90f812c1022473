#include "rag/embed/wordpiece.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/settings.hpp"
#include "rag/embed/test_model.hpp"

namespace segue::rag {
namespace {

constexpr std::string_view kTiny =
    R"({"model":{"type":"WordPiece","vocab":{"[UNK]":100,"[CLS]":101,"[SEP]":102,"un":1,"##aff":2,)"
    R"("##able":3,"!":4,"[":5,"]":6,"sep":7,"a":8,"##é":9,"中":10}}})";

WordPiece tiny(std::size_t max_tokens = 512) {
    auto made = WordPiece::from_json(kTiny, max_tokens);
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    return std::move(*made);
}

using Ids = std::vector<std::int64_t>;

TEST(WordPiece, TakesTheLongestPieces) {
    EXPECT_EQ(tiny().encode("UNaffable!"), (Ids{101, 1, 2, 3, 4, 102}));
    EXPECT_EQ(tiny().encode("unaffablex un"), (Ids{101, 100, 1, 102}));
}

TEST(WordPiece, ADocumentCannotSpellAControlToken) {
    EXPECT_EQ(tiny().encode("[SEP]"), (Ids{101, 5, 7, 6, 102}));
}

TEST(WordPiece, CutsToTheLimitWithItsEnd) {
    EXPECT_EQ(tiny(4).encode("un un un un"), (Ids{101, 1, 1, 102}));
    EXPECT_EQ(tiny().encode(""), (Ids{101, 102}));
}

TEST(WordPiece, InvalidBytesAreDropped) {
    EXPECT_EQ(tiny().encode("un\xFF\xC3 \xE4\xB8\xADun"), (Ids{101, 1, 10, 1, 102}));
}

TEST(WordPiece, RefusesWhatIsNoTokenizer) {
    EXPECT_FALSE(WordPiece::from_json("{", 512));
    EXPECT_FALSE(WordPiece::from_json("{}", 512));
    EXPECT_FALSE(WordPiece::from_json(R"({"model":{"type":"BPE","vocab":{}}})", 512));
    EXPECT_FALSE(WordPiece::from_json(R"({"model":{"vocab":{"a":"b"}}})", 512));
}

// tests/data/rag/wordpiece.jsonl: 230 texts (every script, control characters, emoji, words without
// a match, one cut at 512) with the ids of Hugging Face's tokenizers.
TEST(WordPiece, EqualsTheReference) {
    const auto files = test_model_files();
    if (!files) GTEST_SKIP() << files.error().detail;
    const auto text = read_file(files->folder + "/tokenizer.json");
    ASSERT_TRUE(text);
    const auto tokenizer = WordPiece::from_json(*text, 512);
    ASSERT_TRUE(tokenizer) << tokenizer.error().detail;
    std::ifstream cases(std::string(SEGUE_SOURCE_DIR) + "/tests/data/rag/wordpiece.jsonl");
    if (const char* other =
            std::getenv("SEGUE_WORDPIECE_CASES")) {  // NOLINT(concurrency-mt-unsafe)
        cases.close();
        cases.open(other);
    }
    std::string line;
    std::size_t count = 0;
    std::size_t wrong = 0;
    json::Parser parser;
    while (std::getline(cases, line)) {
        const auto root = parser.parse(line);
        ASSERT_TRUE(root);
        Ids expected;
        for (const auto id : (*root)["ids"])
            expected.push_back(id.integer().value_or(-1));
        ++count;
        if (tokenizer->encode((*root)["text"].string()) != expected && ++wrong <= 30)
            ADD_FAILURE() << line;
    }
    EXPECT_GE(count, 200U);
    EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace segue::rag
