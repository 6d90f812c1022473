#include "rag/search/collections.hpp"

#include <gtest/gtest.h>

#include "rag/search/test_corpus.hpp"

namespace segue::rag {
namespace {

const Reader kAdmin = Reader::administrator();

TEST(Collections, NamesAreChecked) {
    EXPECT_TRUE(is_collection_slug("handbook"));
    EXPECT_TRUE(is_collection_slug("2026.q1_notes-x"));
    for (const std::string_view wrong : {"", "Handbook", "a b", "-a", "a/b", "ä", "a@b"})
        EXPECT_FALSE(is_collection_slug(wrong)) << wrong;
    EXPECT_FALSE(is_collection_slug(std::string(64, 'a')));
}

TEST(Collections, AreMadeListedChangedAndRemoved) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto id = library.make("handbook", {{Grant::Kind::kRole, "user"}});
    library.add(id, document_of("a.md", {"one", "two"}));
    const auto found = library.collections.find(kAdmin, "handbook");
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->name, "handbook");
    EXPECT_EQ(found->documents, 1);
    EXPECT_EQ(found->passages, 2);
    EXPECT_EQ(found->embedded, 0);
    EXPECT_EQ(found->readers, (std::vector<Grant>{{Grant::Kind::kRole, "user"}}));
    CollectionChange change;
    change.name = "The handbook";
    change.writers = {{Grant::Kind::kPerson, "3"}};
    ASSERT_TRUE(library.collections.change(id, change));
    const auto changed = library.collections.find({false, "3", "x"}, "handbook");
    ASSERT_TRUE(changed) << changed.error().detail;
    EXPECT_EQ(changed->name, "The handbook");
    EXPECT_TRUE(changed->can_write);
    EXPECT_FALSE(library.collections.writable_entry({false, "4", "user"}, "handbook"));
    EXPECT_FALSE(library.collections.create({"handbook", "", "", false, {}, {}}));
    EXPECT_FALSE(library.collections.create({"No Such", "", "", false, {}, {}}));
    ASSERT_TRUE(library.collections.remove(id));
    EXPECT_EQ(library.count("passage"), 0);
    library.expect_consistent();
}

TEST(Collections, AnUnknownOneNamesTheReadersOwn) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.make("secret", {{Grant::Kind::kPerson, "7"}});
    const auto missing = library.collections.find({false, "1", "user"}, "secret");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().fault, Fault::kNotFound);
    EXPECT_EQ(missing.error().detail, "no collection 'secret'; there are: docs");
}

TEST(Collections, DocumentsComeInPages) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    for (int i = 0; i < 5; ++i)
        library.add(library.docs, document_of("d" + std::to_string(i) + "_%", {"text"}));
    const auto collection = library.collections.find(kAdmin, "docs");
    ASSERT_TRUE(collection);
    DocumentFilter filter;
    filter.limit = 2;
    std::vector<std::string> seen;
    while (true) {
        const auto page = library.collections.documents(collection->id, filter);
        ASSERT_TRUE(page) << page.error().detail;
        EXPECT_EQ(page->total, 5);
        for (const auto& document : page->documents)
            seen.push_back(document.path);
        if (!page->next) break;
        filter.after = *page->next;
    }
    EXPECT_EQ(seen.size(), 5U);
    filter = {};
    filter.text = "3_%";
    const auto page = library.collections.documents(collection->id, filter);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->documents.size(), 1U);
    EXPECT_EQ(page->documents[0].path, "d3_%");
    EXPECT_EQ(page->documents[0].state, "ready");
}

TEST(Collections, ADocumentOpensAtAPassage) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    const auto id = library.add(library.docs, document_of("a.md", {"one", "two", "three"}));
    const auto found = library.search(ask("two"));
    ASSERT_EQ(found.hits.size(), 1U);
    const auto ordinal = library.collections.ordinal(id, found.hits[0].passage);
    ASSERT_TRUE(ordinal);
    EXPECT_EQ(*ordinal, 1);
    const auto text = library.collections.text(id, 1, 10);
    ASSERT_TRUE(text);
    ASSERT_EQ(text->size(), 2U);
    EXPECT_EQ((*text)[0].body, "two");
    EXPECT_EQ((*text)[1].place.first_line, 3);
}

TEST(Vectors, AnotherModelIsFilledBehindAndThenAnswers) {
    SEGUE_NEEDS_DATABASE();
    Library library;
    library.add(library.docs, document_of("a.md", {"one", "two"}));
    const WordHashEmbedder old_one("old", 8);
    const WordHashEmbedder new_one("new", 16);
    library.embed_all(old_one);
    const auto model = library.vectors.register_model(new_one.model());
    ASSERT_TRUE(model);
    EXPECT_FALSE(model->answers);
    EXPECT_EQ(library.search(ask("one"), &old_one).vector, VectorUse::kUsed);
    library.embed_all(new_one);
    const auto progress = library.vectors.progress(*model);
    ASSERT_TRUE(progress);
    EXPECT_EQ(progress->embedded, 2);
    const auto switched = library.vectors.answer_with(*model);
    ASSERT_TRUE(switched) << switched.error().detail;
    EXPECT_EQ(library.search(ask("one"), &new_one).vector, VectorUse::kUsed);
    EXPECT_EQ(library.search(ask("one"), &old_one).vector, VectorUse::kUnavailable);
    EXPECT_FALSE(library.vectors.register_model({"new", 8, "", ""}));
    // A vector for a passage that is gone is left out.
    ASSERT_TRUE(library.vectors.store(*model, std::vector<std::int64_t>{12345},
                                      std::vector<Vector>{Vector(16, 0.25F)}));
    const auto collection = library.collections.find(kAdmin, "docs");
    ASSERT_TRUE(collection);
    EXPECT_EQ(collection->embedded, 2);
}

}  // namespace
}  // namespace segue::rag
