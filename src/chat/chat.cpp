#include "chat/chat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "chat/engine_room.hpp"
#include "chat/jobs.hpp"
#include "chat/json.hpp"

namespace segue::chat {
namespace {

constexpr auto kStopPatience = std::chrono::seconds(5);

/// A running answer as far as it is: the store lags a second or two behind.
void bring_up_to_date(const Jobs& jobs, Message& message) {
    if (message.state != Message::State::kRunning) return;
    if (const auto job = jobs.find(message.id)) {
        auto siblings = std::move(message.siblings);
        message = job->so_far();
        message.siblings = std::move(siblings);
    }
}

}  // namespace

Result<std::unique_ptr<Chat>> Chat::open(gateway::Gateway& gateway, store::Pool& pool,
                                         Retrieval* retrieval, ChatOptions options) {
    SEGUE_TRY(room, EngineRoom::open(gateway));
    std::unique_ptr<Chat> chat(new Chat(pool));

    chat->retrieval_ = retrieval;
    chat->jobs_ = std::make_unique<Jobs>(gateway, chat->archive_, chat->files_, retrieval,
                                         std::move(room), options);
    return chat;
}

Chat::Chat(store::Pool& pool) : archive_(pool), files_(pool) {
}

Chat::~Chat() = default;

void Chat::take_over() {
    const auto given_up = jobs_->give_up_others();
    if (given_up && *given_up > 0)
        log::info("{} answers were interrupted when Segue stopped; they can be continued",
                  *given_up);
}

Result<Conversation> Chat::conversation(const Person& person, std::string_view id) {
    SEGUE_TRY(found, archive_.find(person, id));
    SEGUE_TRY(files, files_.list(person, id));
    found.files = std::move(files);
    return found;
}

Result<Started> Chat::ask(const Person& person, std::string_view conversation, Question question) {
    if (trim(question.text).empty() && question.images.empty())
        return fail(Fault::kInvalid, "the question is empty; write something", "chat");
    SEGUE_TRY_VOID(jobs_->has_room(person));
    SEGUE_TRY(whole, archive_.find(person, conversation));
    if (question.model.empty()) question.model = whole.model;
    if (!question.images.empty()) {
        const auto registry = jobs_->gateway().snapshot().registry;
        const std::string model =
            question.model.empty() ? default_model(*registry) : question.model;
        if (facts_of(*registry, model).sees == false)
            return fail(Fault::kInvalid,
                        fmt::format("the model {} does not see pictures; choose one that does, or "
                                    "leave the pictures out",
                                    model),
                        "chat");
    }
    SEGUE_TRY(started, archive_.ask(person, conversation, question));
    jobs_->start(person, started);
    return started;
}

Result<Message> Chat::ask_again(const Person& person, std::string_view answer,
                                std::string_view model) {
    SEGUE_TRY_VOID(jobs_->has_room(person));
    SEGUE_TRY(started, archive_.ask_again(person, answer, model));
    jobs_->start(person, started);
    return started.answer;
}

Result<Message> Chat::go_on(const Person& person, std::string_view answer) {
    SEGUE_TRY_VOID(jobs_->has_room(person));
    SEGUE_TRY(started, archive_.resume(person, answer));
    jobs_->start(person, started);
    return started.answer;
}

Result<Message> Chat::stop_answer(const Person& person, std::string_view answer) {
    SEGUE_TRY(kept, archive_.message(person, answer));
    if (const auto job = jobs_->find(answer); job && !job->ended()) {
        job->request_stop();
        job->wait_for_end(kStopPatience);
        return message(person, answer);
    }
    return kept;
}

Result<void> Chat::remove(const Person& person, std::string_view conversation) {
    SEGUE_TRY_VOID(archive_.find(person, conversation));
    for (const auto& job : jobs_->of_conversation(conversation))
        job->request_stop();
    return archive_.remove(person, conversation);
}

Result<Message> Chat::message(const Person& person, std::string_view id) {
    SEGUE_TRY(message, archive_.message(person, id));
    bring_up_to_date(*jobs_, message);
    return message;
}

Result<Branch> Chat::branch(const Person& person, std::string_view conversation,
                            std::string_view leaf, std::string_view before, std::int64_t limit) {
    SEGUE_TRY(branch, archive_.branch(person, conversation, leaf, before, limit));
    for (auto& message : branch.messages)
        bring_up_to_date(*jobs_, message);
    return branch;
}

Result<Shared> Chat::shared(const Person& person, std::string_view token) {
    SEGUE_TRY(shared, archive_.shared(person, token));
    std::vector<std::string> mine;
    if (retrieval_) {
        SEGUE_TRY(readable, retrieval_->readable(person));
        mine = std::move(readable);
    }
    for (auto& message : shared.messages)
        for (auto& source : message.sources) {
            // A file of the conversation itself is shared with it.
            if (source.collection.empty() ||
                std::find(mine.begin(), mine.end(), source.collection) != mine.end())
                continue;
            Source hidden;
            hidden.n = source.n;
            hidden.collection = source.collection;
            source = std::move(hidden);
        }
    return shared;
}

Result<std::shared_ptr<Feed>> Chat::follow(const Person& person, std::string_view answer) {
    // The right first: a feed in memory is nobody else's, either.
    SEGUE_TRY(kept, archive_.message(person, answer));
    if (kept.role != Message::Role::kAssistant)
        return fail(Fault::kInvalid, "only an answer has events", "chat");
    if (const auto job = jobs_->find(answer)) return job->feed;
    if (kept.state == Message::State::kRunning) return jobs_->mirror(person, kept);
    auto feed = std::make_shared<Feed>();
    const bool broken = kept.state == Message::State::kIncomplete;
    const std::string_view type = broken ? "failed" : "finished";
    feed->end(type, event_json(type, [&](json::Writer& w) {
                  w.key("message");
                  write(w, kept);
              }));
    return feed;
}

std::size_t Chat::running() const {
    return jobs_->running();
}

void Chat::stop() {
    jobs_->stop();
}

}  // namespace segue::chat
