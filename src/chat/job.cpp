#include "chat/job.hpp"

#include <utility>

#include "chat/jobs.hpp"
#include "chat/json.hpp"

namespace segue::chat {

Job::Job(Jobs& jobs, Person asker, Message asked, Message answer, Feed::Id base)
    : person(std::move(asker)),
      question(std::move(asked)),
      feed(std::make_shared<Feed>(base)),
      begun(answer.text),
      jobs_(jobs),
      id_(answer.id),
      conversation_(answer.conversation),
      answer_(std::move(answer)) {
}

Message Job::so_far() const {
    Message out;
    {
        const std::lock_guard lock(mutex_);
        out = answer_;
    }
    if (out.state != Message::State::kRunning) return out;
    out.text = feed->text_so_far();
    out.reasoning = feed->reasoning_so_far();
    return out;
}

void Job::change(const std::function<void(Message&)>& change) {
    const std::lock_guard lock(mutex_);
    change(answer_);
}

void Job::request_stop() {
    stop_.store(true);
    std::optional<EngineRoom::Ticket> ticket;
    {
        const std::lock_guard lock(mutex_);
        ticket = ticket_;
    }
    if (ticket) jobs_.room().stop_asking(*ticket);
}

void Job::asked(EngineRoom::Ticket ticket) {
    {
        const std::lock_guard lock(mutex_);
        ticket_ = ticket;
    }
    // The wish to stop may have come between the two.
    if (stop_requested()) jobs_.room().stop_asking(ticket);
}

void Job::end(std::string_view type, const Message& message) {
    {
        const std::lock_guard lock(mutex_);
        answer_ = message;
        ended_ = std::chrono::steady_clock::now();
    }
    feed->end(type, event_json(type, [&](json::Writer& w) {
                  w.key("message");
                  write(w, message);
              }));
    over_.notify_all();
}

bool Job::wait_for_end(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return over_.wait_for(lock, patience, [this] { return ended_.has_value(); });
}

std::optional<TimePoint> Job::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

bool Job::has_news() {
    const std::size_t size = feed->size();
    const std::lock_guard lock(mutex_);
    return std::exchange(saved_size_, size) != size;
}

void Job::set_previous_engine(std::optional<std::string> engine) {
    previous_engine_ = std::move(engine);
}

void Job::on_engine(const AnswerRecord& so_far) {
    const bool changed = previous_engine_ && *previous_engine_ != so_far.engine;
    feed->event("engine", event_json("engine", [&](json::Writer& w) {
                    w.member("engine", so_far.engine).member("engine_kind", so_far.engine_kind);
                    w.member("model", so_far.model).member("rehearsal", so_far.rehearsal);
                    w.key("previous_engine");
                    changed ? w.string(*previous_engine_) : w.null();
                }));
}

void Job::on_tool_call(const ToolCall& call) {
    feed->event("tool_call", event_json("tool_call", [&](json::Writer& w) {
                    w.key("tool_call");
                    write(w, call);
                }));
    const std::lock_guard lock(mutex_);
    answer_.tool_calls.push_back(call);
}

void Job::on_end(Outcome outcome) {
    jobs_.finish(shared_from_this(), std::move(outcome));
}

}  // namespace segue::chat
