#include "rag/ingest/embedding_queue.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <iterator>

#include "base/log.hpp"

namespace segue::rag {
namespace {

// Another process (segue docs add) may have written passages that nobody here was told of.
constexpr std::chrono::seconds kAskAgain{5};
constexpr std::chrono::seconds kAfterTrouble{15};
constexpr int kBehind = 15;  // niceness

}  // namespace

EmbeddingQueue::~EmbeddingQueue() {
    stop();
}

void EmbeddingQueue::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        // Behind everything that somebody waits for: on Linux a thread has a niceness of its own,
        // and those that it starts to embed have it, too.
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBehind);
        run(stop);
    });
}

void EmbeddingQueue::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    wanted_.notify_all();
    thread_.join();
}

void EmbeddingQueue::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    wanted_.notify_all();
}

/// All at once, or, where one of them is at fault, each for itself.
Result<EmbeddingQueue::Batch> EmbeddingQueue::embed(std::vector<Vectors::Pending> pending) const {
    Batch batch;
    std::vector<std::string> texts;
    for (auto& [id, text] : pending) {
        batch.passages.push_back(id);
        texts.push_back(std::move(text));
    }
    auto vectors = embedder_.embed(texts, TextRole::kPassage);
    if (vectors) {
        batch.vectors = std::move(*vectors);
        return batch;
    }
    if (vectors.error().fault != Fault::kInvalid)
        return tl::make_unexpected(std::move(vectors).error());
    if (texts.size() == 1) {
        log::warning("passage {} is found by its words alone: {}", batch.passages.front(),
                     vectors.error().detail);
        return Batch{};
    }
    Batch taken;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        SEGUE_TRY(one, embed({{batch.passages[i], std::move(texts[i])}}));
        std::move(one.passages.begin(), one.passages.end(), std::back_inserter(taken.passages));
        std::move(one.vectors.begin(), one.vectors.end(), std::back_inserter(taken.vectors));
    }
    return taken;
}

Result<void> EmbeddingQueue::run_once(const std::function<bool()>& go_on,
                                      const std::function<void(const Vectors::Progress&)>& tell) {
    SEGUE_TRY(model, vectors_.register_model(embedder_.model()));
    std::int64_t after = 0;
    // A batch is stored while the next one is embedded, so that the model never waits.
    std::future<Result<void>> storing;
    const auto stored = [&]() -> Result<void> {
        if (!storing.valid()) return {};
        SEGUE_TRY_VOID(storing.get());
        if (!tell) return {};
        SEGUE_TRY(progress, vectors_.progress(model));
        tell(progress);
        return {};
    };
    bool all = true;
    while (all) {
        SEGUE_TRY(pending, vectors_.pending(model, after, embedder_.batch()));
        if (pending.empty()) break;
        after = pending.back().passage;
        SEGUE_TRY(batch, embed(std::move(pending)));
        SEGUE_TRY_VOID(stored());
        storing = std::async(
            std::launch::async, [this, &model, batch = std::move(batch)]() -> Result<void> {
                SEGUE_TRY_VOID(vectors_.store(model, batch.passages, batch.vectors));
                embedded_ += batch.passages.size();
                return {};
            });
        all = !go_on || go_on();
    }
    SEGUE_TRY_VOID(stored());
    if (!all) return {};
    if (!model.answers) {
        SEGUE_TRY_VOID(vectors_.answer_with(model));
        log::info("the embedding model {} answers from now on", model.name);
    }
    if (answers_) answers_();
    return {};
}

void EmbeddingQueue::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            wanted_.wait_for(lock, stop, kAskAgain, [&] { return woken_; });
            woken_ = false;
        }
        if (stop.stop_requested()) return;
        const auto done = run_once([&] { return !stop.stop_requested(); });
        if (done) continue;
        log::warning("passages wait for their vectors: {}", done.error().detail);
        std::unique_lock lock(mutex_);
        wanted_.wait_for(lock, stop, kAfterTrouble, [] { return false; });
    }
}

}  // namespace segue::rag
