#include "serve/document_house.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "store/value.hpp"

namespace segue::serve {
namespace {

// Another process (segue docs add, a replica) may have left something to read.
constexpr std::chrono::seconds kLookAgain{10};
constexpr std::chrono::milliseconds kStorePatience{1000};

}  // namespace

DocumentHouse::DocumentHouse(store::Store& store, Options options)
    : store_(store), options_(std::move(options)) {
    embedding_ = std::jthread([this](const std::stop_token& stop) { bring_up_embedding(stop); });
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

DocumentHouse::~DocumentHouse() {
    stop();
}

void DocumentHouse::stop() {
    embedding_.request_stop();  // ends what an embedding engine is asked, too
    thread_.request_stop();
    wanted_.notify_all();
    if (embedding_.joinable()) embedding_.join();
    if (thread_.joinable()) thread_.join();
    queue_.reset();
}

void DocumentHouse::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    wanted_.notify_all();
}

void DocumentHouse::use(const rag::Embedder& embedder) {
    ready_embedder_.store(&embedder);
    if (options_.on_embedder) options_.on_embedder(embedder);
}

bool DocumentHouse::rest(std::chrono::seconds time, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    wanted_.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

void DocumentHouse::bring_up_embedding(const std::stop_token& stop) {
    std::string complaint;
    while (!embedder_) {
        auto opened = options_.open(stop);
        if (opened) {
            embedder_ = std::move(*opened);
            break;
        }
        if (complaint != opened.error().detail)
            log::info("search goes by keywords alone: {}", opened.error().detail);
        complaint = opened.error().detail;
        if (!rest(kLookAgain, stop)) return;
    }
    use(*embedder_);
    std::optional<rag::StoredModel> answering;
    while (true) {
        if (stop.stop_requested()) return;
        if (!store_.ready()) {
            static_cast<void>(store_.wait_ready(kStorePatience));
            continue;
        }
        if (auto found = rag::Vectors(store_.pool()).answering()) {
            answering = std::move(*found);
            break;
        }
        if (!rest(std::chrono::seconds(1), stop)) return;
    }
    if (answering && answering->name != embedder_->model().name) {
        auto before = options_.open_stored(*answering, stop);
        if (before && (*before)->model().name == answering->name) {
            before_ = std::move(*before);
            use(*before_);
            log::info("the vectors of {} answer until all passages have one of {}", answering->name,
                      embedder_->model().name);
        } else {
            log::warning("search goes by keywords alone until all passages have a vector of {}: {}",
                         embedder_->model().name,
                         before ? "the model before is another one now" : before.error().detail);
        }
    }
    auto queue = std::make_unique<rag::EmbeddingQueue>(store_.pool(), *embedder_, [this] {
        if (ready_embedder_.load() != embedder_.get()) use(*embedder_);
    });
    queue->start();
    const std::lock_guard lock(mutex_);
    queue_ = std::move(queue);
}

void DocumentHouse::run(const std::stop_token& stop) {
    while (!stop.stop_requested() && !store_.ready())
        static_cast<void>(store_.wait_ready(kStorePatience));
    if (stop.stop_requested()) return;
    if (options_.alone)
        if (const auto again = store_.pool().execute(
                "UPDATE document SET state = 'waiting' WHERE state = 'reading'");
            !again)
            log::warning("uploads that were being read wait for the next start: {}",
                         again.error().detail);
    rag::Library library(store_.pool());
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            wanted_.wait_for(lock, stop, kLookAgain, [&] { return woken_; });
            woken_ = false;
        }
        read_waiting(library, stop);
    }
}

void DocumentHouse::read_waiting(rag::Library& library, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto read = read_one(library);
        if (!read) {
            log::warning("an upload waits: {}", read.error().detail);
            return;
        }
        if (!*read) return;
        const std::lock_guard lock(mutex_);
        if (queue_) queue_->wake();
    }
}

Result<bool> DocumentHouse::read_one(rag::Library& library) {
    SEGUE_TRY(row, (store_.pool().transaction([](store::Connection& c) {
                  return c.one<std::int64_t, std::int64_t, std::string, std::string, WallTime>(
                      "UPDATE document SET state = 'reading' WHERE id = (SELECT d.id FROM document "
                      "d JOIN "
                      "document_source s ON s.document = d.id WHERE d.state = 'waiting' ORDER BY "
                      "d.id LIMIT 1 "
                      "FOR UPDATE OF d SKIP LOCKED) RETURNING id, collection, path, added_by, "
                      "modified_at");
              })));
    if (!row) return false;
    const auto& [id, collection, path, added_by, accepted] = *row;
    SEGUE_TRY(source, store_.pool().one<store::Bytes>(
                          "SELECT content FROM document_source WHERE document = $1", id));
    if (!source) return true;  // removed meanwhile
    auto outcome = library.add(collection, path, std::get<0>(*source).data, added_by,
                               rag::Upload{id, accepted});
    if (!outcome && outcome.error().fault != Fault::kNotFound) {
        // The store's trouble, not the document's: it is read again.
        const auto back = store_.pool().execute(
            "UPDATE document SET state = 'waiting' WHERE id = $1 AND state = 'reading'", id);
        static_cast<void>(back);
        return tl::make_unexpected(std::move(outcome).error());
    }
    return true;
}

Result<std::int64_t> DocumentHouse::accept(const rag::CollectionEntry& collection,
                                           const std::string& path, std::string_view bytes,
                                           std::string_view who) {
    SEGUE_TRY(id, store_.pool().transaction([&](store::Connection& c) -> Result<std::int64_t> {
        SEGUE_TRY(row,
                  c.one<std::int64_t>(
                      "INSERT INTO document (collection, path, bytes, added_by) VALUES ($1, $2, "
                      "$3, $4) ON CONFLICT (collection, path) DO UPDATE SET state = 'waiting', "
                      "bytes = excluded.bytes, added_by = excluded.added_by, problem = NULL, "
                      "modified_at = now(), updated_at = now() RETURNING id",
                      collection.id, path, static_cast<std::int64_t>(bytes.size()), who));
        if (!row) return fail(Fault::kInternal, "an upload was kept and has no id", "documents");
        SEGUE_TRY(kept, c.execute("INSERT INTO document_source (document, content) VALUES ($1, $2) "
                                  "ON CONFLICT (document) DO UPDATE SET content = excluded.content",
                                  std::get<0>(*row), store::Bytes{std::string(bytes)}));
        static_cast<void>(kept);
        return std::get<0>(*row);
    }));
    wake();
    return id;
}

Result<void> DocumentHouse::retry(std::int64_t document) {
    SEGUE_TRY(count,
              store_.pool().execute(
                  "UPDATE document SET state = 'waiting', problem = NULL, updated_at = now() "
                  "WHERE id = $1 AND state = 'failed' AND EXISTS (SELECT FROM document_source "
                  "WHERE document = $1)",
                  document));
    if (count == 0)
        return fail(
            Fault::kConflict,
            "this document cannot be read again from here: it has not failed, or its file is "
            "not kept; add the file again");
    wake();
    return {};
}

}  // namespace segue::serve
