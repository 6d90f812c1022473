/// The documents' part of the house: the embedding model, the queue that gives passages their
/// vectors, and the intake that reads what people upload. It stands before the database does.
///
/// Thread: made and destroyed by the daemon's main thread; the handlers of /segue/v1/documents call
/// it from crew threads. Threads of its own: one reads uploads, one brings the embedding model up
/// (and tries again while an engine is away), one embeds. Lifetime: after the store, before what
/// searches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/ingest/embedding_queue.hpp"
#include "rag/ingest/library.hpp"
#include "rag/search/collections.hpp"
#include "serve/embedding.hpp"
#include "store/store.hpp"

namespace segue::serve {

class DocumentHouse {
public:
    struct Options {
        /// The embedding model, and the one that made stored vectors; both block.
        std::function<OpenedEmbedder(const std::stop_token&)> open;
        std::function<OpenedEmbedder(const rag::StoredModel&, const std::stop_token&)> open_stored;
        bool alone = true;  // no other Segue reads uploads of this store
        /// Questions are embedded with this one from now on.
        std::function<void(const rag::Embedder&)> on_embedder;
    };
    DocumentHouse(store::Store& store, Options options);
    ~DocumentHouse();
    DocumentHouse(const DocumentHouse&) = delete;
    DocumentHouse& operator=(const DocumentHouse&) = delete;

    /// Takes an upload over: kept in the store, read behind. The document, waiting.
    Result<std::int64_t> accept(const rag::CollectionEntry& collection, const std::string& path,
                                std::string_view bytes, std::string_view who);
    /// Reads a document that failed again; kNotFound when its bytes are not kept.
    Result<void> retry(std::int64_t document);
    /// Passages have changed by other ways.
    void wake();
    void stop();

    store::Pool& pool() { return store_.pool(); }
    /// Of questions: the one whose vectors are searched. Null: no model, or not yet.
    const rag::Embedder* embedder() const { return ready_embedder_.load(); }

private:
    void run(const std::stop_token& stop);
    /// Until the embedding model is there, and its queue runs.
    void bring_up_embedding(const std::stop_token& stop);
    void use(const rag::Embedder& embedder);
    bool rest(std::chrono::seconds time, const std::stop_token& stop);
    void read_waiting(rag::Library& library, const std::stop_token& stop);
    Result<bool> read_one(rag::Library& library);

    store::Store& store_;
    const Options options_;
    std::unique_ptr<rag::Embedder> embedder_;
    std::unique_ptr<rag::Embedder> before_;  // whose vectors answer until the new ones are made
    std::atomic<const rag::Embedder*> ready_embedder_{nullptr};
    std::unique_ptr<rag::EmbeddingQueue> queue_;
    std::mutex mutex_;  // queue_ (made once), woken_
    std::condition_variable_any wanted_;
    bool woken_ = true;
    std::jthread embedding_;  // these two last: they use what is above
    std::jthread thread_;
};

}  // namespace segue::serve
