#include "rag/search/index.hpp"

#include <gtest/gtest.h>

#include "rag/search/test_corpus.hpp"

namespace segue::rag {
namespace {

TEST(Index, WhatIsWrittenIsFoundAndWhatIsRemovedIsNot) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto id = library.add(library.docs, document_of("a.md", {"the red fox", "a blue whale"}));
    library.add(library.docs, document_of("b.md", {"a red whale"}));
    library.expect_consistent();
    EXPECT_EQ(paths(library.search(ask("blue"))), (std::vector<std::string>{"a.md"}));
    ASSERT_TRUE(library.index.remove(std::vector<std::int64_t>{id}));
    library.expect_consistent();
    EXPECT_TRUE(library.search(ask("blue")).hits.empty());
    EXPECT_EQ(paths(library.search(ask("whales"))), (std::vector<std::string>{"b.md"}));
    EXPECT_EQ(library.count("passage"), 1);
}

TEST(Index, TheSameTextIsStoredOnce) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto other = library.make("other", {});
    library.add(library.docs, document_of("a.md", {"one text", "another text"}));
    const auto second = library.add(other, document_of("copy.md", {"one text", "another text"}));
    library.add(library.docs, document_of("twice.md", {"one text", "one text"}));
    EXPECT_EQ(library.count("passage"), 2);
    EXPECT_EQ(library.count("place"), 6);
    ASSERT_TRUE(library.index.remove(std::vector<std::int64_t>{second}));
    EXPECT_EQ(library.count("passage"), 2);
    library.expect_consistent();
}

TEST(Index, AChangedFileRedoesOnlyItsChangedPassages) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a.md", {"first part", "second part", "third part"}));
    const WordHashEmbedder embedder;
    library.embed_all(embedder);
    auto changed = document_of("a.md", {"new beginning", "first part", "third part"});
    const auto written = library.index.write(library.docs, std::span(&changed, 1));
    ASSERT_TRUE(written);
    EXPECT_EQ(written->front().passages, 3U);
    EXPECT_EQ(written->front().fresh, 1U);
    EXPECT_EQ(library.count("document"), 1);
    EXPECT_EQ(library.count("answering_vector"), 2);
    EXPECT_TRUE(library.search(ask("second")).hits.empty());
    EXPECT_EQ(library.search(ask("beginning")).hits.size(), 1U);
    library.expect_consistent();
}

TEST(Index, AFailedDocumentIsNamedWithItsReason) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a.pdf", {"purple elephants"}));
    FailedDocument failed;
    failed.path = "a.pdf";
    failed.type = "pdf";
    failed.problem = "the file is encrypted; remove its password and add it again";
    const auto id = library.index.write_failed(library.docs, failed);
    ASSERT_TRUE(id) << id.error().detail;
    const auto document = library.collections.document(Reader::administrator(), *id);
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->state, "failed");
    EXPECT_EQ(document->problem, failed.problem + "; what was read of it before still answers");
    EXPECT_EQ(library.search(ask("elephants")).hits.size(), 1U);
    library.expect_consistent();
    failed.path = "b.pdf";
    const auto fresh = library.index.write_failed(library.docs, failed);
    EXPECT_EQ(library.collections.document(Reader::administrator(), *fresh)->problem,
              failed.problem);
    library.add(library.docs, document_of("a.pdf", {"green camels"}));
    EXPECT_TRUE(library.search(ask("elephants")).hits.empty());
    library.expect_consistent();
}

TEST(Index, ACollectionThatIsGoneIsSaid) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    auto document = document_of("a.md", {"text"});
    const auto written = library.index.write(999, std::span(&document, 1));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().fault, Fault::kNotFound);
}

TEST(Index, AnUploadThatWasTakenBackOrReplacedIsNotWritten) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto accept = [&] {
        const auto row = library.store.pool().one<std::int64_t, WallTime>(
            "INSERT INTO document (collection, path) VALUES ($1, 'a.md') ON CONFLICT (collection, "
            "path) DO UPDATE SET state = 'waiting', modified_at = clock_timestamp() RETURNING id, "
            "modified_at",
            library.docs);
        return Upload{std::get<0>(row->value()), std::get<1>(row->value())};
    };
    const auto write = [&](const Upload& upload, std::string text) {
        auto document = document_of("a.md", {std::move(text)});
        document.upload = upload;
        return library.index.write(library.docs, std::span(&document, 1));
    };
    const auto first = accept();
    const auto second = accept();
    ASSERT_EQ(first.document, second.document);
    const auto late = write(first, "elephants");
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().fault, Fault::kNotFound);
    ASSERT_TRUE(write(second, "zebras"));
    EXPECT_TRUE(library.search(ask("elephants")).hits.empty());
    EXPECT_EQ(library.search(ask("zebras")).hits.size(), 1U);

    const auto third = accept();
    ASSERT_TRUE(library.index.remove(std::span(&third.document, 1)));
    EXPECT_FALSE(write(third, "gnus"));
    FailedDocument broken;
    broken.path = "a.md";
    broken.problem = "broken";
    broken.upload = third;
    EXPECT_FALSE(library.index.write_failed(library.docs, broken));
    const auto left = library.store.pool().one<std::int64_t>("SELECT count(*) FROM document");
    EXPECT_EQ(std::get<0>(left->value()), 0);
    library.expect_consistent();
}

TEST(Index, RebuildMakesTheSame) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a.md", {"the red fox", "a blue whale"}));
    ASSERT_TRUE(library.store.pool().execute("UPDATE term SET df = 7 WHERE term = 'fox'"));
    const auto wrong = library.index.check();
    ASSERT_TRUE(wrong) << wrong.error().detail;
    EXPECT_NE(wrong->find("'fox' is counted 7"), std::string::npos) << *wrong;
    const auto rebuilt = library.index.rebuild();
    ASSERT_TRUE(rebuilt) << rebuilt.error().detail;
    library.expect_consistent();
    EXPECT_TRUE(library.index.settle());
}

// Every statement of a write, a change and a removal fails once; nothing may be half there.
TEST(Index, AFailureAnywhereLeavesAllOrNothing) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    for (const auto trouble : {store::Trouble::kRefused, store::Trouble::kLostBefore}) {
        for (int n = 1;; ++n) {
            ASSERT_LT(n, 60);
            const auto id =
                library.add(library.docs, document_of("a.md", {"red fox", "blue whale"}));
            auto changed = document_of("a.md", {"red fox", "green whale", "a tree"});
            library.store.faults().arm(n, trouble);
            const auto written = library.index.write(library.docs, std::span(&changed, 1));
            const bool fired = library.store.faults().fired();
            library.store.faults().disarm();
            library.expect_consistent();
            const auto places = library.count("place");
            EXPECT_EQ(places, written ? 3 : 2);
            EXPECT_EQ(library.count("passage"), places);
            library.store.faults().arm(n, trouble);
            const auto removed = library.index.remove(std::vector<std::int64_t>{id});
            const bool again = library.store.faults().fired();
            library.store.faults().disarm();
            library.expect_consistent();
            EXPECT_EQ(library.count("passage"), removed ? 0 : places);
            if (!fired && !again) break;
        }
    }
}

}  // namespace
}  // namespace segue::rag
