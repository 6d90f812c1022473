/// The documents' part of the house: the embedding model, the queue that gives passages their
/// vectors, and the intake that reads what people upload. It stands before the database does.
///
/// Thread: made and destroyed by the daemon's main thread; the handlers of /segue/v1/documents call
/// it from crew threads. Two threads of its own: one brings up what is slow and then reads uploads,
/// one embeds. Lifetime: after the store, before what searches.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "base/settings.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/ingest/embedding_queue.hpp"
#include "rag/ingest/library.hpp"
#include "rag/search/collections.hpp"
#include "store/store.hpp"

namespace segue::serve {

class DocumentHouse {
public:
    struct Options {
        Environment environment;
        bool alone = true;  // no other Segue reads uploads of this store
        std::function<void(const rag::Embedder&)> on_embedder;  // once, when it is there
    };
    DocumentHouse(store::Store& store, Options options);
    ~DocumentHouse();
    DocumentHouse(const DocumentHouse&) = delete;
    DocumentHouse& operator=(const DocumentHouse&) = delete;

    /// Takes an upload over: kept in the store, read behind. The document, waiting.
    Result<std::int64_t> accept(const rag::Collection& collection, const std::string& path,
                                std::string_view bytes, std::string_view who);
    /// Reads a document that failed again; kNotFound when its bytes are not kept.
    Result<void> retry(std::int64_t document);
    /// Passages have changed by other ways.
    void wake();
    void stop();

    store::Pool& pool() { return store_.pool(); }
    /// Null: no model, or not yet.
    const rag::Embedder* embedder() const { return ready_embedder_.load(); }

private:
    void run(const std::stop_token& stop);
    void bring_up_embedder();
    void read_waiting(rag::Library& library, const std::stop_token& stop);
    Result<bool> read_one(rag::Library& library);

    store::Store& store_;
    const Options options_;
    std::unique_ptr<rag::Embedder> embedder_;
    std::atomic<const rag::Embedder*> ready_embedder_{nullptr};
    std::unique_ptr<rag::EmbeddingQueue> queue_;
    std::mutex mutex_;
    std::condition_variable_any wanted_;
    bool woken_ = true;
    std::jthread thread_;  // last: it uses what is above
};

}  // namespace segue::serve
