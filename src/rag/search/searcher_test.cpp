#include "rag/search/searcher.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "rag/search/test_corpus.hpp"

namespace segue::rag {
namespace {

using Paths = std::vector<std::string>;

TEST(Searcher, ScoresAreBm25) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a", {"fox fox whale"}));
    library.add(library.docs, document_of("b", {"whale tree tree tree tree"}));
    library.add(library.docs, document_of("c", {"fox"}));
    auto request = ask("fox whale fox");
    request.mode = Mode::kKeyword;
    const auto found = library.search(request);
    const double idf = std::log(1 + (3 - 2 + 0.5) / (2 + 0.5));
    const auto part = [&](double qtf, double tf, double length) {
        return qtf * idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / 3));
    };
    ASSERT_EQ(paths(found), (Paths{"a", "c", "b"}));
    EXPECT_NEAR(found.hits[0].score, part(2, 2, 3) + part(1, 1, 3), 1e-9);
    EXPECT_NEAR(found.hits[1].score, part(2, 1, 1), 1e-9);
    EXPECT_NEAR(found.hits[2].score, part(1, 1, 5), 1e-9);
    EXPECT_EQ(found.hits[0].terms.size(), 2U);
    EXPECT_EQ(found.vector, VectorUse::kNotAsked);
}

TEST(Searcher, FusesBothLegsAndExplains) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a", {"red fox runs"}));
    library.add(library.docs, document_of("b", {"red whale swims"}));
    library.add(library.docs, document_of("c", {"green tree stands"}));
    const WordHashEmbedder embedder;
    library.embed_all(embedder);
    const auto found = library.search(ask("red fox"), &embedder);
    ASSERT_EQ(found.hits.size(), 3U);
    EXPECT_EQ(found.vector, VectorUse::kUsed);
    EXPECT_EQ(found.hits[0].path, "a");
    EXPECT_EQ(found.hits[0].keyword.rank, 1);
    EXPECT_DOUBLE_EQ(found.hits[0].keyword.scaled, 1.0);
    EXPECT_EQ(found.total, 3);
    for (const auto& hit : found.hits)
        EXPECT_NEAR(hit.score, 0.5 * hit.keyword.scaled + 0.5 * hit.vector.scaled, 1e-12);
    EXPECT_FALSE(found.hits[2].keyword.rank.has_value());
    EXPECT_EQ(found.hits[0].snippet,
              "\x02red\x03 \x02"
              "fox\x03 runs");
}

TEST(Searcher, WithoutAModelKeywordsAnswerAndItIsSaid) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a", {"red fox"}));
    const auto found = library.search(ask("fox"));
    EXPECT_EQ(paths(found), (Paths{"a"}));
    EXPECT_EQ(found.vector, VectorUse::kUnavailable);
    auto request = ask("fox");
    request.mode = Mode::kVector;
    EXPECT_TRUE(library.search(request).hits.empty());
    // Vectors of another model are not asked with this one's question.
    library.embed_all(WordHashEmbedder("other"));
    const WordHashEmbedder embedder;
    EXPECT_EQ(library.search(ask("fox"), &embedder).vector, VectorUse::kUnavailable);
}

TEST(Searcher, ForbiddenPassagesAreNeitherFoundNorCounted) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto secret = library.make("secret", {{Grant::Kind::kPerson, "7"}});
    const auto role = library.make("role", {{Grant::Kind::kRole, "Reader"}});
    const auto writers = library.make("writers", {}, {{Grant::Kind::kPerson, "8"}});
    const WordHashEmbedder embedder;
    // Forbidden ones at every rank: among 30 passages that all match, any of the three kinds.
    for (int i = 0; i < 10; ++i) {
        const std::string body =
            "fox number" + std::to_string(i) + std::string(i % 5, ' ') + " fox";
        library.add(library.docs, document_of("open" + std::to_string(i), {body + " open"}));
        library.add(secret, document_of("secret" + std::to_string(i), {body + " fox secret"}));
        library.add(role, document_of("role" + std::to_string(i), {body + " role"}));
        library.add(writers, document_of("writers" + std::to_string(i), {body + " writers"}));
    }
    library.embed_all(embedder);
    // Few passages and many are filtered in different ways; 5 is fewer than any reader's.
    int exact_up_to = kExactUpTo;
    const auto kinds = [&](Reader reader, Mode mode, std::size_t limit) {
        auto request = ask("fox", std::move(reader));
        request.mode = mode;
        request.limit = limit;
        const auto found = library.search(request, &embedder, exact_up_to);
        std::set<std::string> seen;
        for (const auto& hit : found.hits) {
            seen.insert(hit.path.substr(0, hit.path.size() - 1));
            EXPECT_EQ(hit.collection == "docs", hit.path.starts_with("open"));
        }
        EXPECT_EQ(found.hits.size(), std::min<std::size_t>(limit, 10 * seen.size()));
        EXPECT_GE(found.total, static_cast<std::int64_t>(found.hits.size()));
        if (limit == 100) {
            EXPECT_EQ(found.total, static_cast<std::int64_t>(10 * seen.size()));
        }
        return seen;
    };
    using Set = std::set<std::string>;
    for (const int few : {kExactUpTo, 5})
        for (const auto mode : {Mode::kHybrid, Mode::kKeyword, Mode::kVector}) {
            exact_up_to = few;
            EXPECT_EQ(kinds({false, "1", "user"}, mode, 100), Set{"open"});
            EXPECT_EQ(kinds({false, "7", "user"}, mode, 100), (Set{"open", "secret"}));
            EXPECT_EQ(kinds({false, "8", "Reader"}, mode, 100), (Set{"open", "role", "writers"}));
            EXPECT_EQ(kinds(Reader::administrator(), mode, 100),
                      (Set{"open", "role", "secret", "writers"}));
            EXPECT_EQ(kinds({false, "1", "user"}, mode, 3), Set{"open"});
        }
    // The same text in an open and a secret place is shown in the open one.
    library.add(secret, document_of("same-secret", {"a shared giraffe"}));
    library.add(library.docs, document_of("same-open", {"a shared giraffe"}));
    EXPECT_EQ(paths(library.search(ask("giraffe", {false, "1", "user"}))), (Paths{"same-open"}));
}

TEST(Searcher, FiltersByCollectionPathTypeAndTime) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto other = library.make("other", {});
    auto old = document_of("guides/old.md", {"fox of old"});
    old.modified = WallTime(std::chrono::hours(24 * 365 * 40));
    library.add(library.docs, old);
    auto pdf = document_of("guides/new.pdf", {"fox of new"});
    pdf.type = "pdf";
    library.add(library.docs, pdf);
    library.add(other, document_of("100%_sure.md", {"fox elsewhere"}));
    const WordHashEmbedder embedder;
    library.embed_all(embedder);
    const auto with = [&](auto&& change) {
        auto request = ask("fox");
        change(request);
        auto found = paths(library.search(request, &embedder));
        std::sort(found.begin(), found.end());
        return found;
    };
    EXPECT_EQ(with([](auto& r) { r.collections = {"other"}; }), (Paths{"100%_sure.md"}));
    EXPECT_EQ(with([](auto& r) { r.path = "guides/*"; }),
              (Paths{"guides/new.pdf", "guides/old.md"}));
    EXPECT_EQ(with([](auto& r) { r.path = "*%_sure*"; }), (Paths{"100%_sure.md"}));
    EXPECT_EQ(with([](auto& r) { r.path = "*_new*"; }), Paths{});
    EXPECT_EQ(with([](auto& r) { r.types = {"pdf"}; }), (Paths{"guides/new.pdf"}));
    EXPECT_EQ(with([](auto& r) { r.until = WallTime(std::chrono::hours(24 * 365 * 45)); }),
              (Paths{"guides/old.md"}));
    EXPECT_EQ(with([](auto& r) {
                  r.since = WallTime(std::chrono::hours(24 * 365 * 45));
                  r.collections = {"docs"};
              }),
              (Paths{"guides/new.pdf"}));
    EXPECT_EQ(with([](auto& r) { r.collections = {"nowhere"}; }), Paths{});
}

TEST(Searcher, EachLanguageHasItsOwnWords) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    auto german = document_of("de.md", {"Die Häuser der Stadt sind alt"});
    german.language = "de";
    library.add(library.docs, german);
    library.add(library.docs, document_of("en.md", {"the houses of the city die hard"}));
    auto chinese = document_of("zh.md", {"显存不足时请减小批量大小"});
    chinese.language = "simple";
    library.add(library.docs, chinese);
    EXPECT_EQ(paths(library.search(ask("Haus"))), (Paths{"de.md"}));
    EXPECT_EQ(paths(library.search(ask("die"))), (Paths{"en.md"}));
    const auto found = library.search(ask("显存不足"));
    ASSERT_EQ(paths(found), (Paths{"zh.md"}));
    EXPECT_EQ(found.hits[0].snippet, "\x02显存不足\x03时请减小批量大小");
    library.expect_consistent();
}

TEST(Searcher, HeadingAndTitleCountAndAreShown) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    ReadDocument document = document_of("x.md", {});
    document.title = "Operations";
    document.passages.push_back({{"Operations", "Upgrade"}, "Stop the old one.", {3, 10, 12}});
    library.add(library.docs, document);
    const auto found = library.search(ask("upgrading operations"));
    ASSERT_EQ(found.hits.size(), 1U);
    EXPECT_EQ(found.hits[0].title, "Operations");
    EXPECT_EQ(found.hits[0].heading, (std::vector<std::string>{"Operations", "Upgrade"}));
    EXPECT_EQ(found.hits[0].place, (Place{3, 10, 12}));
    EXPECT_EQ(found.hits[0].snippet, "Stop the old one.");
}

TEST(Searcher, NonsenseIsAnswered) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a", {"red fox it's"}));
    for (const std::string query : {"'", "\\", "fox' | 'x", "a & b | !c <-> (", "%", "\x01\x02\xFF",
                                    "the of and", "fox\\' \\\\ ''", "🦊"})
        library.search(ask(query));
    EXPECT_FALSE(Searcher(library.store.pool(), nullptr).search(ask("  \n")));
    const auto long_one =
        Searcher(library.store.pool(), nullptr).search(ask(std::string(1 << 20, 'x')));
    ASSERT_FALSE(long_one);
    EXPECT_EQ(long_one.error().fault, Fault::kTooLarge);
    auto request = ask("fox");
    request.limit = 0;
    EXPECT_EQ(library.search(request).hits.size(), 1U);
}

// Above a number of passages (10,000 outside of tests) the statement takes the other way: HNSW.
TEST(Searcher, ManyPassagesTakeTheIndexWithAndWithoutAFilter) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto half = library.make("half", {});
    const WordHashEmbedder embedder("words", 32);
    for (const auto collection : {library.docs, half}) {
        std::vector<std::string> bodies;
        for (std::uint64_t i = 0; i < 400; ++i) {
            std::string body = collection == half ? "half" : "open";
            for (std::uint64_t k = 0; k < 6; ++k)
                body += " w" + std::to_string(hash64(std::to_string(i * 6 + k), 3) % 300);
            bodies.push_back(std::move(body) + " n" + std::to_string(i));
        }
        library.add(collection, document_of("many" + std::to_string(collection), bodies));
    }
    library.embed_all(embedder);
    ASSERT_TRUE(library.index.settle());
    const Searcher exact(library.store.pool(), &embedder);
    const Searcher by_index(library.store.pool(), &embedder, 100);
    for (const Mode mode : {Mode::kVector, Mode::kHybrid, Mode::kKeyword})
        for (const std::vector<std::string>& collections :
             {std::vector<std::string>{}, std::vector<std::string>{"half"}}) {
            auto request = ask("half w1 w2 w3 w4");
            request.mode = mode;
            request.collections = collections;
            const auto expected = exact.search(request);
            const auto found = by_index.search(request);
            ASSERT_TRUE(expected && found);
            ASSERT_EQ(found->hits.size(), 10U);
            if (mode != Mode::kHybrid) {
                EXPECT_EQ(found->total, 100);
            }
            if (mode == Mode::kKeyword) {  // no approximation: the same in either way
                EXPECT_EQ(paths(*found), paths(*expected));
                EXPECT_EQ(found->hits.back().passage, expected->hits.back().passage);
            }
            std::size_t agree = 0;
            for (std::size_t i = 0; i < 10; ++i)
                agree += found->hits[i].score > expected->hits[i].score - 0.01 ? 1 : 0;
            EXPECT_GE(agree, 9U) << mode_name(mode) << collections.size();
        }
}

// The reader's own are many, and still far behind the best of all.
TEST(Searcher, ManyOfTheReadersOwnAreFoundBehindManyOfOthers) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto secret = library.make("secret", {{Grant::Kind::kPerson, "7"}});
    std::vector<std::string> best;
    std::vector<std::string> own;
    for (int i = 0; i < 150; ++i)
        best.push_back("fox fox fox n" + std::to_string(i));
    for (int i = 0; i < 20; ++i)
        own.push_back("fox" + std::string(i % 2 == 0 ? " and a tree" : "") + " m" +
                      std::to_string(i));
    library.add(secret, document_of("best", best));
    library.add(library.docs, document_of("own", own));
    auto request = ask("fox", {false, "1", "user"});
    request.mode = Mode::kKeyword;
    request.limit = 100;
    const auto listed = library.search(request);
    const auto asked = library.search(request, nullptr, 5);  // "many" are more than 5, of 100 asked
    EXPECT_EQ(asked.total, 20);
    ASSERT_EQ(asked.hits.size(), 20U);
    for (std::size_t i = 0; i < asked.hits.size(); ++i) {
        EXPECT_EQ(asked.hits[i].passage, listed.hits[i].passage);
        EXPECT_DOUBLE_EQ(asked.hits[i].score, listed.hits[i].score);
        EXPECT_EQ(asked.hits[i].path, "own");
    }
}

}  // namespace
}  // namespace segue::rag
