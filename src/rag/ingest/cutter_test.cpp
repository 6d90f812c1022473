#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "rag/ingest/block.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {
namespace {

using Headings = std::vector<std::string>;

Block paragraph(std::string text, Place place = {}) {
    return {Block::Kind::kParagraph, 0, std::move(text), place};
}

std::string words(int count, const std::string& word) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += (i % 12 == 11) ? word + ". " : word + " ";
    return text;
}

TEST(Cutter, HeadingsEndAPassageAndMakeItsPath) {
    Parsed parsed;
    parsed.blocks = {{Block::Kind::kHeading, 1, "Guide", {}},   paragraph("intro"),
                     {Block::Kind::kHeading, 2, "Install", {}}, paragraph("run it"),
                     {Block::Kind::kHeading, 2, "Use", {}},     paragraph("use it")};
    const auto passages = cut(parsed);
    ASSERT_EQ(passages.size(), 3U);
    EXPECT_EQ(passages[0].heading, (Headings{"Guide"}));
    EXPECT_EQ(passages[1].heading, (Headings{"Guide", "Install"}));
    EXPECT_EQ(passages[2].heading, (Headings{"Guide", "Use"}));
    EXPECT_EQ(passages[2].body, "use it");
}

TEST(Cutter, LongTextIsCutBetweenSentences) {
    Parsed parsed;
    parsed.blocks = {paragraph(words(1500, "passage"))};
    const auto passages = cut(parsed);
    ASSERT_GE(passages.size(), 4U);
    for (const auto& passage : passages) {
        EXPECT_LE(estimated_tokens(passage.body), 320U);
        EXPECT_GE(estimated_tokens(passage.body), 150U);
        EXPECT_TRUE(passage.body.ends_with(".") || &passage == &passages.back());
    }
}

TEST(Cutter, LinesAreKept) {
    std::string text;
    for (int i = 1; i <= 200; ++i)
        text += "line " + std::to_string(i) + " has some words in it\n";
    const auto parsed = parse_plain_text(text);
    ASSERT_TRUE(parsed);
    const auto passages = cut(*parsed);
    ASSERT_GE(passages.size(), 3U);
    for (const auto& passage : passages) {
        const auto first = "line " + std::to_string(passage.place.first_line) + " ";
        EXPECT_TRUE(passage.body.starts_with(first)) << passage.body.substr(0, 30);
    }
}

TEST(Cutter, TablesRepeatTheirHeader) {
    std::string table = "name | price";
    for (int i = 0; i < 300; ++i)
        table += "\nitem" + std::to_string(i) + " | " + std::to_string(i * 3);
    Parsed parsed;
    parsed.blocks = {{Block::Kind::kTable, 0, table, {0, 1, 301}}};
    const auto passages = cut(parsed);
    ASSERT_GE(passages.size(), 4U);
    std::size_t rows = 0;
    for (const auto& passage : passages) {
        EXPECT_TRUE(passage.body.starts_with("name | price\nitem"));
        rows += split(passage.body, '\n').size() - 1;
        EXPECT_GT(passage.place.first_line, 0);
    }
    EXPECT_EQ(rows, 300U);
    EXPECT_EQ(passages[0].place.first_line, 1);
    EXPECT_EQ(passages.back().place.last_line, 301);
}

TEST(Cutter, AFunctionStaysWhole) {
    std::string code;
    for (int f = 0; f < 12; ++f) {
        code += "int f" + std::to_string(f) + "(int x) {\n";
        for (int i = 0; i < 12; ++i)
            code += "    x += " + std::to_string(i) + ";\n";
        code += "    return x;\n}\n\n";
    }
    const auto parsed = parse_code(code, "cpp");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->blocks.size(), 12U);
    for (const auto& passage : cut(*parsed)) {
        EXPECT_TRUE(passage.body.starts_with("int f")) << passage.body.substr(0, 40);
        EXPECT_TRUE(passage.body.ends_with("}"));
    }
}

// Random texts of several scripts, with monstrous words: every byte comes out once, cut only
// between code points, and between words wherever there is one.
TEST(Cutter, NothingIsLostAndNoCodePointIsCut) {
    Random random(7);
    const std::vector<std::string> pieces{"word", "Wörter", "日本語の文章", "x",  " ",    " ",
                                          " ",    ". ",     "\n",           "😀", "\n\n", "a_b",
                                          "-",    "сло",    "1234567890"};
    for (int round = 0; round < 200; ++round) {
        std::string text;
        const auto count = 1 + random.below(800);
        for (std::uint64_t i = 0; i < count; ++i)
            text += random.below(200) == 0 ? std::string(random.below(3000), 'y')
                                           : pieces[random.below(pieces.size())];
        Parsed parsed;
        parsed.blocks = {paragraph(text)};
        std::string joined;
        for (const auto& passage : cut(parsed)) {
            EXPECT_TRUE(is_valid_utf8(passage.body));
            EXPECT_LE(estimated_tokens(passage.body), 400U);
            joined += passage.body;
        }
        const auto squeeze = [](std::string_view from) {
            std::string out;
            for (const char c : from)
                if (c != ' ' && c != '\n' && c != '\t') out += c;
            return out;
        };
        EXPECT_EQ(squeeze(joined), squeeze(text));
    }
}

TEST(Cutter, CleanTextIsWhatTheStoreTakes) {
    EXPECT_EQ(clean_text("a\r\nb\rc \t\nd\x01"
                         "e\x7F\xFFz"),
              "a\nb\nc\nd e\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace segue::rag
