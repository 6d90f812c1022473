/// The chat's part of the house: retrieval, conversations, Segue's own documentation as the first
/// collection, the newest traffic. It stands before the database does, and works once that is
/// there.
///
/// Thread: made and destroyed by the daemon's main thread; one of its own loads the documentation.
/// Lifetime: after the gateway and the
/// store; the embedding model is the document house's, which outlives it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/settings.hpp"
#include "chat/chat.hpp"
#include "chat/grounder.hpp"
#include "rag/embed/embedder.hpp"
#include "serve/api/context.hpp"
#include "serve/api/pulse.hpp"
#include "serve/retrieval.hpp"
#include "store/store.hpp"

namespace segue::serve {

class ChatHouse {
public:
    struct Options {
        Environment environment;
        bool alone = true;  // no other Segue answers with this store
    };
    /// Puts itself into `context`.
    static Result<std::unique_ptr<ChatHouse>> open(api::Context& context, store::Store& store,
                                                   Options options);
    ~ChatHouse();
    ChatHouse(const ChatHouse&) = delete;
    ChatHouse& operator=(const ChatHouse&) = delete;

    chat::Chat& chat() { return *chat_; }
    /// Until then its searches go by keywords alone. It must live as long as this.
    void use(const rag::Embedder& embedder) { retrieval_.use(embedder); }
    /// Which collections stand in the lists of models from now on.
    void list_in_models(std::vector<std::string> collections) {
        grounder_.list(std::move(collections));
    }
    /// Ends what runs; what came is kept.
    void stop();

private:
    ChatHouse(api::Context& context, store::Store& store, Options options);
    void bring_up(const std::stop_token& stop);
    bool wait_for_store(const std::stop_token& stop);

    api::Context& context_;
    store::Store& store_;
    const Options options_;
    Retrieval retrieval_;
    chat::Grounder grounder_;
    std::unique_ptr<chat::Chat> chat_;
    api::Pulse traffic_;
    std::mutex mutex_;
    std::condition_variable_any ready_;
    bool store_ready_ = false;
    std::jthread thread_;
};

}  // namespace segue::serve
