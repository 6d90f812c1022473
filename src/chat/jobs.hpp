/// Makes answers: prepares each (history, search, prompt), asks the engine room, finishes it
/// (citations, record, store), and keeps its feed for a while for whoever comes back.
///
/// Thread: start(), find() and stop() from any; a few threads prepare and finish, one keeps house.
/// Lifetime: the chat's.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/crew.hpp"
#include "chat/archive.hpp"
#include "chat/chat.hpp"
#include "chat/engine_room.hpp"
#include "chat/job.hpp"
#include "chat/prompt.hpp"
#include "chat/retrieval.hpp"

namespace segue::chat {

class Jobs {
public:
    Jobs(gateway::Gateway& gateway, Archive& archive, Files& files, Retrieval* retrieval,
         std::unique_ptr<EngineRoom> room, ChatOptions options);
    ~Jobs();
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    /// May this person have one more answer made? An error says why not.
    Result<void> has_room(const Person& person) const;
    void start(const Person& person, const Started& started);
    /// Null: not running here, and not long over.
    std::shared_ptr<Job> find(std::string_view answer) const;
    std::vector<std::shared_ptr<Job>> of_conversation(std::string_view conversation) const;
    std::size_t running() const;
    /// Running answers of which nobody has heard for long (or, when no other Segue is there, of
    /// any that is not running here).
    Result<std::uint64_t> give_up_others();
    /// A feed of what another Segue writes, as the store tells it.
    std::shared_ptr<Feed> mirror(const Person& person, const Message& answer);
    void stop();

    EngineRoom& room() { return *room_; }
    gateway::Gateway& gateway() { return gateway_; }
    /// On the room's thread.
    void finish(std::shared_ptr<Job> job, Outcome outcome);

private:
    /// Not saved for that long: its program died.
    static constexpr std::chrono::seconds kNobodys{60};
    struct Mirror {
        Person person;
        std::shared_ptr<Feed> feed;
        std::size_t text = 0;  // bytes of it that are in the feed
    };
    struct Ended {
        std::shared_ptr<Job> job;
        Outcome outcome;
    };
    void submit(std::function<void()> task);
    void prepare(const std::shared_ptr<Job>& job);
    /// Searches when it should; false: the answer is over.
    bool search(const std::shared_ptr<Job>& job);
    std::string search_text(const Job& job);
    enum class Collections : bool { kNamed, kAll };
    Result<Found> find_passages(const Job& job, Collections which);
    bool look_for(const std::shared_ptr<Job>& job, Collections which);
    void ask_engine(const std::shared_ptr<Job>& job);
    void complete(const std::shared_ptr<Job>& job, Outcome outcome);
    /// The passages alone, where there are some; else the trouble.
    void without_engine(const std::shared_ptr<Job>& job, Trouble trouble, AnswerRecord record);
    void conclude(const std::shared_ptr<Job>& job, Message message);
    void keep_house(const std::stop_token& stop);
    void save_running();
    void retry_unsaved();
    void forget_old();
    void look_into_mirrors();
    Feed::Id next_base() const;

    gateway::Gateway& gateway_;
    Archive& archive_;
    Files& files_;
    Retrieval* const retrieval_;
    const ChatOptions options_;
    const std::unique_ptr<EngineRoom> room_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Job>> jobs_;
    std::unordered_map<std::string, Mirror> mirrors_;
    std::vector<Message> unsaved_;                 // answers that the store could not take yet
    std::deque<std::function<void()>> postponed_;  // the crew was full
    std::condition_variable_any wake_;
    bool stopped_ = false;
    Crew crew_;
    std::jthread housekeeper_;
};

}  // namespace segue::chat
