#include "serve/retrieval.hpp"

#include <gtest/gtest.h>

namespace segue::serve {
namespace {

rag::Hit hit(std::int64_t document, int ordinal, std::size_t terms, double cosine = 0) {
    rag::Hit out;
    out.document = document;
    out.ordinal = ordinal;
    out.passage = document * 100 + ordinal;
    out.text = "text " + std::to_string(out.passage);
    out.place.first_line = ordinal * 10;
    out.place.last_line = ordinal * 10 + 9;
    out.terms.resize(terms);
    if (cosine > 0) out.vector.score = cosine;
    return out;
}

std::vector<std::string> texts(const std::vector<chat::Source>& sources) {
    std::vector<std::string> out;
    for (const auto& source : sources)
        out.push_back(source.text);
    return out;
}
using Texts = std::vector<std::string>;

constexpr auto kQuestion = "How do I point my application at Segue?";

TEST(ChooseSources, OnlyWhatMayAnswer) {
    EXPECT_EQ(texts(choose_sources({hit(1, 1, 1, 0.4), hit(2, 1, 2, 0.4), hit(3, 1, 0, 0.7)},
                                   kQuestion, 6)),
              (Texts{"text 201", "text 301"}));
    EXPECT_TRUE(choose_sources({hit(1, 1, 1)}, kQuestion, 6).empty());
    EXPECT_EQ(choose_sources({hit(1, 1, 1)}, "Segue?", 6).size(), 1U);
    EXPECT_TRUE(choose_sources({}, "", 6).empty());
}

TEST(ChooseSources, ThreeOfADocumentAndNoMoreThanTheLimit) {
    std::vector<rag::Hit> hits;
    for (int i = 0; i < 5; ++i)
        hits.push_back(hit(1, i * 2, 3));
    for (int i = 2; i < 9; ++i)
        hits.push_back(hit(i, 1, 3));
    const auto sources = choose_sources(hits, kQuestion, 6);
    ASSERT_EQ(sources.size(), 6U);
    EXPECT_EQ(sources[3].document, "2");
    EXPECT_EQ(sources[5].n, 6);
}

TEST(ChooseSources, NeighboursBecomeOneAtThePlaceOfTheBest) {
    const auto sources =
        choose_sources({hit(2, 5, 3), hit(1, 4, 3), hit(2, 4, 3), hit(2, 6, 3)}, kQuestion, 6);
    EXPECT_EQ(texts(sources), (Texts{"text 204\ntext 205\ntext 206", "text 104"}));
    EXPECT_EQ(sources[0].passage, "205");
    EXPECT_EQ(sources[0].first_line, 40);
    EXPECT_EQ(sources[0].last_line, 69);
    EXPECT_EQ(sources[1].n, 2);
}

TEST(Reader, AdministratorsReadEverything) {
    EXPECT_TRUE(reader_of(1, "admin").everything);
    EXPECT_FALSE(reader_of(1, "user").everything);
    EXPECT_EQ(reader_of(7, "user").person, "7");
}

}  // namespace
}  // namespace segue::serve
