/// One answer on its way: what is known of it so far, and its feed.
///
/// Thread: what the room's thread hears goes into the feed; the rest is guarded. Lifetime: shared
/// by the jobs' table, the room and whoever works on it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chat/engine_room.hpp"
#include "chat/feed.hpp"
#include "chat/types.hpp"

namespace segue::chat {

class Jobs;

class Job final : public AnswerListener, public std::enable_shared_from_this<Job> {
public:
    Job(Jobs& jobs, Person person, Message question, Message answer, Feed::Id base);

    const Person person;
    const Message question;
    const std::shared_ptr<Feed> feed;
    /// What an answer that goes on began with.
    const std::string begun;

    const std::string& id() const { return id_; }
    const std::string& conversation() const { return conversation_; }
    /// The answer with what came so far.
    Message so_far() const;
    /// The answer as the preparing or finishing thread works on it.
    void change(const std::function<void(Message&)>& change);

    /// Asks it to stop; tells the room when it is there already.
    void request_stop();
    bool stop_requested() const { return stop_.load(); }
    /// The same, but nobody wished it: Segue itself stops.
    void interrupt() {
        interrupted_.store(true);
        request_stop();
    }
    bool interrupted() const { return interrupted_.load(); }
    void asked(EngineRoom::Ticket ticket);

    /// Its last event is in the feed.
    void end(std::string_view type, const Message& message);
    bool wait_for_end(std::chrono::milliseconds patience);
    std::optional<TimePoint> ended() const;

    /// Bytes that came since this was asked last.
    bool has_news();
    /// Of the answer before; for what the engine's event says.
    void set_previous_engine(std::optional<std::string> engine);
    const std::optional<std::string>& previous_engine() const { return previous_engine_; }

    void on_engine(const AnswerRecord& so_far) override;
    void on_text(std::string_view piece) override { feed->text(piece); }
    void on_reasoning(std::string_view piece) override { feed->reasoning(piece); }
    void on_tool_call(const ToolCall& call) override;
    void on_end(Outcome outcome) override;

private:
    Jobs& jobs_;
    const std::string id_;
    const std::string conversation_;
    std::optional<std::string> previous_engine_;  // set before the room is asked
    std::atomic<bool> stop_{false};
    std::atomic<bool> interrupted_{false};
    mutable std::mutex mutex_;
    std::condition_variable over_;
    Message answer_;
    std::optional<EngineRoom::Ticket> ticket_;
    std::optional<TimePoint> ended_;
    std::size_t saved_size_ = 0;
};

}  // namespace segue::chat
