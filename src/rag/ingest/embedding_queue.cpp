#include "rag/ingest/embedding_queue.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"

namespace segue::rag {
namespace {

// Another process (segue docs add) may have written passages that nobody here was told of.
constexpr std::chrono::seconds kAskAgain{5};
constexpr std::chrono::seconds kAfterTrouble{15};
constexpr int kBehind = 15;  // niceness

}  // namespace

EmbeddingQueue::~EmbeddingQueue() {
    thread_.request_stop();
    wanted_.notify_all();
}

void EmbeddingQueue::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        // Behind everything that somebody waits for: on Linux a thread has a niceness of its own,
        // and those that it starts to embed have it, too.
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBehind);
        run(stop);
    });
}

void EmbeddingQueue::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    wanted_.notify_all();
}

/// All at once, or, where one of them is at fault, each for itself. How many have a vector now.
Result<std::size_t> EmbeddingQueue::embed(const StoredModel& model,
                                          std::vector<Vectors::Pending> pending) {
    std::vector<std::int64_t> ids;
    std::vector<std::string> texts;
    for (auto& [id, text] : pending) {
        ids.push_back(id);
        texts.push_back(std::move(text));
    }
    auto vectors = embedder_.embed(texts, TextRole::kPassage);
    if (!vectors && vectors.error().fault == Fault::kInvalid && ids.size() > 1) {
        std::size_t done = 0;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            SEGUE_TRY(count, embed(model, {{ids[i], std::move(texts[i])}}));
            done += count;
        }
        return done;
    }
    if (!vectors && vectors.error().fault == Fault::kInvalid) {
        log::warning("passage {} is found by its words alone: {}", ids.front(),
                     vectors.error().detail);
        return std::size_t{0};
    }
    if (!vectors) return tl::make_unexpected(std::move(vectors).error());
    SEGUE_TRY_VOID(vectors_.store(model, ids, *vectors));
    return ids.size();
}

Result<std::size_t> EmbeddingQueue::run_once(
    const std::function<bool()>& go_on, const std::function<void(const Vectors::Progress&)>& tell) {
    SEGUE_TRY(model, vectors_.register_model(embedder_.model()));
    std::int64_t after = 0;
    std::size_t done = 0;
    while (true) {
        SEGUE_TRY(pending, vectors_.pending(model, after, embedder_.batch()));
        if (pending.empty()) break;
        after = pending.back().passage;
        SEGUE_TRY(count, embed(model, std::move(pending)));
        done += count;
        if (tell) {
            SEGUE_TRY(progress, vectors_.progress(model));
            tell(progress);
        }
        if (go_on && !go_on()) return done;
    }
    if (!model.answers) {
        SEGUE_TRY_VOID(vectors_.answer_with(model));
        log::info("the embedding model {} answers from now on", model.name);
    }
    if (answers_) answers_();
    return done;
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
