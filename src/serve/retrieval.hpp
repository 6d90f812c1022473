/// What the chat asks of documents, over src/rag: of what a search found, those passages that may
/// answer; at most three of a document; neighbours as one.
///
/// Thread: any; blocks. Lifetime: the pool's and the embedder's.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "chat/retrieval.hpp"
#include "rag/search/collections.hpp"
#include "rag/search/searcher.hpp"

namespace segue::serve {

class Retrieval final : public chat::Retrieval {
public:
    explicit Retrieval(store::Pool& pool) : pool_(pool), collections_(pool) {}
    /// Until then keywords alone are used.
    void use(const rag::Embedder& embedder) { embedder_.store(&embedder); }

    Result<chat::Found> search(const chat::Person& person, std::string_view question,
                               const std::vector<std::string>& collections,
                               std::size_t limit) override;
    Result<std::vector<std::string>> readable(const chat::Person& person) override;
    std::vector<std::string> names(const std::vector<std::string>& collections) override;

private:
    store::Pool& pool_;
    std::atomic<const rag::Embedder*> embedder_{nullptr};
    rag::Collections collections_;
};

/// As whom the documents see a person.
rag::Reader reader_of(std::int64_t id, std::string_view role);

/// Of hits, best first, the sources of an answer. Pure.
std::vector<chat::Source> choose_sources(std::vector<rag::Hit> hits, std::string_view question,
                                         std::size_t limit);

}  // namespace segue::serve
