/// The chat: conversations in the store, and answers that are made while nobody has to look. What a
/// person asks is kept before anything else happens; the answer is a job that searches, asks an
/// engine through the gateway, checks its citations and is kept; whoever wants to see it follows
/// its feed.
///
/// Thread: any; calls block on the store. Lifetime: shorter than the gateway's, the pool's and the
/// retrieval's; stop() ends what runs (an answer that is cut keeps what came).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "chat/archive.hpp"
#include "chat/feed.hpp"
#include "chat/files.hpp"
#include "chat/retrieval.hpp"
#include "chat/types.hpp"
#include "gateway/gateway.hpp"
#include "store/pool.hpp"

namespace segue::chat {

class Jobs;

struct ChatOptions {
    std::size_t threads = 4;             // that prepare and finish answers
    std::size_t running = 512;           // answers at once
    std::size_t running_for_person = 8;  // of one person
    std::size_t passages = 6;            // an answer is made of
    bool alone = true;  // no other Segue uses this store: what runs at the start is nobody's
};

class Chat {
public:
    /// `retrieval` null: there are no documents.
    static Result<std::unique_ptr<Chat>> open(gateway::Gateway& gateway, store::Pool& pool,
                                              Retrieval* retrieval, ChatOptions options = {});
    ~Chat();
    Chat(const Chat&) = delete;
    Chat& operator=(const Chat&) = delete;

    /// The store is there: answers that nobody makes any more are incomplete from now on.
    void take_over();
    /// For what only reads and writes.
    Archive& archive() { return archive_; }
    Files& files() { return files_; }
    /// With its files.
    Result<Conversation> conversation(const Person& person, std::string_view id);

    Result<Started> ask(const Person& person, std::string_view conversation, Question question);
    Result<Message> ask_again(const Person& person, std::string_view answer,
                              std::string_view model);
    Result<Message> go_on(const Person& person, std::string_view answer);
    /// The answer as it is kept, with what came.
    Result<Message> stop_answer(const Person& person, std::string_view answer);
    /// Stops what runs in it first.
    Result<void> remove(const Person& person, std::string_view conversation);
    /// The message; one that is running as far as it is.
    Result<Message> message(const Person& person, std::string_view id);
    /// The shown branch (see Archive::branch), running answers as far as they are.
    Result<Branch> branch(const Person& person, std::string_view conversation,
                          std::string_view leaf, std::string_view before, std::int64_t limit);

    /// What somebody shares. A passage is shown to whom its collection is: of others the place in
    /// the answer remains, without the text.
    Result<Shared> shared(const Person& person, std::string_view token);

    /// The events of an answer; of one that is over a feed with its last event alone; of one that
    /// another Segue makes what the store tells of it.
    Result<std::shared_ptr<Feed>> follow(const Person& person, std::string_view answer);

    std::size_t running() const;
    void stop();

private:
    explicit Chat(store::Pool& pool);
    Archive archive_;
    Files files_;
    Retrieval* retrieval_ = nullptr;
    std::unique_ptr<Jobs> jobs_;
};

}  // namespace segue::chat
