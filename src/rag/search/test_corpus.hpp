/// What the tests of this folder share: a store with collections, a made-up embedder, documents in
/// a line.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/search/collections.hpp"
#include "rag/search/index.hpp"
#include "rag/search/searcher.hpp"
#include "store/test_kit.hpp"

namespace segue::rag {

/// Eight numbers from the words of a text: texts with the same words are near each other.
class WordHashEmbedder final : public Embedder {
public:
    explicit WordHashEmbedder(std::string name = "words", std::size_t dimensions = 8)
        : model_{std::move(name), dimensions, "", ""} {}
    const EmbeddingModel& model() const override { return model_; }
    std::size_t batch() const override { return 4; }
    Result<std::vector<Vector>> embed(std::span<const std::string> texts, TextRole) const override {
        std::vector<Vector> vectors;
        for (const auto& text : texts) {
            Vector vector(model_.dimensions, 0.01F);
            const std::string words = to_lower(text);
            for (const auto word : split(words, ' '))
                vector[hash64(word) % model_.dimensions] += 1;
            normalise(vector);
            vectors.push_back(std::move(vector));
        }
        return vectors;
    }

private:
    EmbeddingModel model_;
};

inline ReadDocument document_of(std::string path, std::vector<std::string> bodies) {
    ReadDocument document;
    document.path = std::move(path);
    document.type = "text";
    document.language = "en";
    int line = 1;
    for (auto& body : bodies) {
        document.passages.push_back({{}, std::move(body), {0, line, line}});
        ++line;
    }
    return document;
}

struct Library {
    store::TestStore store;
    Index index{store.pool()};
    Collections collections{store.pool()};
    Vectors vectors{store.pool()};
    std::int64_t docs = 0;

    Library() { docs = make("docs", {{Grant::Kind::kEveryone, ""}}); }

    std::int64_t make(std::string slug, std::vector<Grant> readers,
                      std::vector<Grant> writers = {}) {
        NewCollection wanted;
        wanted.slug = std::move(slug);
        wanted.readers = std::move(readers);
        wanted.writers = std::move(writers);
        const auto made = collections.create(wanted);
        EXPECT_TRUE(made) << (made ? "" : made.error().detail);
        return made ? made->id : 0;
    }
    std::int64_t add(std::int64_t collection, ReadDocument document) {
        const auto written = index.write(collection, std::span(&document, 1));
        EXPECT_TRUE(written) << (written ? "" : written.error().detail);
        return written ? written->front().document : 0;
    }
    void embed_all(const Embedder& embedder) {
        const auto model = vectors.register_model(embedder.model());
        ASSERT_TRUE(model) << model.error().detail;
        const auto pending = vectors.pending(*model, 0, 100'000);
        ASSERT_TRUE(pending) << pending.error().detail;
        std::vector<std::string> texts;
        std::vector<std::int64_t> ids;
        for (const auto& [id, text] : *pending) {
            ids.push_back(id);
            texts.push_back(text);
        }
        const auto made = embedder.embed(texts, TextRole::kPassage);
        ASSERT_TRUE(made);
        const auto stored = vectors.store(*model, ids, *made);
        ASSERT_TRUE(stored) << stored.error().detail;
    }
    SearchResult search(SearchRequest request, const Embedder* embedder = nullptr,
                        int exact_up_to = kExactUpTo) {
        const auto found = Searcher(store.pool(), embedder, exact_up_to).search(request);
        EXPECT_TRUE(found) << (found ? "" : found.error().detail);
        return found ? std::move(*found) : SearchResult{};
    }
    void expect_consistent() {
        const auto difference = index.check();
        ASSERT_TRUE(difference) << difference.error().detail;
        EXPECT_EQ(*difference, "");
    }
    std::int64_t count(std::string_view table) {
        const auto row =
            store.pool().one<std::int64_t>("SELECT count(*) FROM " + std::string(table));
        EXPECT_TRUE(row);
        return row && *row ? std::get<0>(**row) : -1;
    }
};

inline SearchRequest ask(std::string query, Reader reader = Reader::administrator()) {
    SearchRequest request;
    request.query = std::move(query);
    request.reader = std::move(reader);
    return request;
}

inline std::vector<std::string> paths(const SearchResult& result) {
    std::vector<std::string> paths;
    for (const auto& hit : result.hits)
        paths.push_back(hit.path);
    return paths;
}

}  // namespace segue::rag
