/// Gives passages their vectors behind their back: what was written is found by keyword at once,
/// and by meaning as soon as its vector is there. The queue is the store itself (passages without a
/// vector of this model), so it goes on where it was after a restart, and a new model fills its own
/// table while the old one's vectors answer.
///
/// Thread: start() makes one; wake() and progress() from any. Lifetime: ends its thread when
/// destroyed; the pool and the embedder live longer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/search/vectors.hpp"
#include "store/pool.hpp"

namespace segue::rag {

class EmbeddingQueue {
public:
    /// `answers` hears, from the thread that embeds, that searches use this model's vectors: at
    /// the latest when all passages have one.
    EmbeddingQueue(store::Pool& pool, const Embedder& embedder, std::function<void()> answers = {})
        : vectors_(pool), embedder_(embedder), answers_(std::move(answers)) {}
    ~EmbeddingQueue();
    EmbeddingQueue(const EmbeddingQueue&) = delete;
    EmbeddingQueue& operator=(const EmbeddingQueue&) = delete;

    /// Works until stopped, asking the store at least every few seconds.
    void start();
    /// Ends what start() began, after the batch that is under way.
    void stop();
    /// There are new passages.
    void wake();
    /// Everything that waits now, in the caller's thread, as long as `go_on` says so (null: to the
    /// end). After each batch `tell` hears how far it is; that counts both tables, so it is null
    /// where nobody listens. A passage that the model does not take is left to keywords.
    Result<void> run_once(const std::function<bool()>& go_on,
                          const std::function<void(const Vectors::Progress&)>& tell = {});
    /// How many passages have got their vectors from this queue.
    std::size_t embedded() const { return embedded_; }

private:
    /// Passages of one batch with their vectors.
    struct Batch {
        std::vector<std::int64_t> passages;
        std::vector<Vector> vectors;
    };

    void run(const std::stop_token& stop);
    Result<Batch> embed(std::vector<Vectors::Pending> pending) const;

    Vectors vectors_;
    const Embedder& embedder_;
    const std::function<void()> answers_;
    std::mutex mutex_;
    std::condition_variable_any wanted_;
    bool woken_ = true;
    std::atomic<std::size_t> embedded_{0};
    std::jthread thread_;
};

}  // namespace segue::rag
