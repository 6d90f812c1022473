/// The chat's part of the house: retrieval with its embedding model, conversations, the newest
/// traffic. It stands before the database does, and works once that is there.
///
/// Thread: made and destroyed by the daemon's main thread; one thread of its own waits for what is
/// slow (the embedding model, the database's first answer). Lifetime: after the gateway and the
/// store.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "base/settings.hpp"
#include "chat/chat.hpp"
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
    /// Ends what runs; what came is kept.
    void stop();

private:
    ChatHouse(api::Context& context, store::Store& store, Options options);
    void bring_up();

    api::Context& context_;
    store::Store& store_;
    const Options options_;
    std::unique_ptr<rag::Embedder> embedder_;  // before what uses it
    Retrieval retrieval_;
    std::unique_ptr<chat::Chat> chat_;
    api::Pulse traffic_;
    std::jthread thread_;
};

}  // namespace segue::serve
