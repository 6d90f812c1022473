#include "chat/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "chat/citations.hpp"
#include "chat/json.hpp"
#include "chat/words.hpp"

namespace segue::chat {
namespace {

constexpr auto kLastAnswers = std::chrono::seconds(3);  // what stop() waits for
constexpr std::int64_t kHistory = 400;                  // messages that are looked at
constexpr std::size_t kMostUnsaved = 10'000;

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

Trouble trouble_of(const Error& error) {
    Trouble trouble;
    switch (error.fault) {
        case Fault::kInvalid: trouble.status = 400; break;
        case Fault::kNotFound: trouble.status = 404; break;
        case Fault::kTooLarge: trouble.status = 413; break;
        case Fault::kConflict: trouble.status = 409; break;
        case Fault::kTimeout: trouble.status = 504; break;
        case Fault::kUnreachable: trouble.status = 503; break;
        case Fault::kIo:
        case Fault::kInternal: trouble.status = 500; break;
    }
    trouble.title = trouble.status == 413 ? "Too long" : "The answer could not be made";
    trouble.detail = error.detail;
    return trouble;
}

}  // namespace

Jobs::Jobs(gateway::Gateway& gateway, Archive& archive, Files& files, Retrieval* retrieval,
           std::unique_ptr<EngineRoom> room, ChatOptions options)
    : gateway_(gateway),
      archive_(archive),
      files_(files),
      retrieval_(retrieval),
      options_(options),
      room_(std::move(room)),
      crew_({.threads = options.threads, .queue = 1024}) {
    housekeeper_ = std::jthread([this](const std::stop_token& stop) { keep_house(stop); });
}

Jobs::~Jobs() {
    stop();
}

Result<void> Jobs::has_room(const Person& person) const {
    const std::lock_guard lock(mutex_);
    if (stopped_) return fail(Fault::kUnreachable, "Segue is stopping; try again in a moment");
    std::size_t all = 0;
    std::size_t own = 0;
    for (const auto& [id, job] : jobs_) {
        if (job->ended()) continue;
        ++all;
        own += job->person.id == person.id ? 1 : 0;
    }
    if (own >= options_.running_for_person)
        return fail(
            Fault::kConflict,
            fmt::format("{} of your answers are being written; wait for one, or stop one", own),
            "chat");
    if (all >= options_.running)
        return fail(Fault::kUnreachable,
                    fmt::format("{} answers are being written; try again in a moment", all),
                    "chat");
    return {};
}

/// Rises from feed to feed: an id of an earlier one is not taken for a place in this one.
Feed::Id Jobs::next_base() const {
    return static_cast<Feed::Id>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     gateway_.clock().wall().time_since_epoch())
                                     .count());
}

Result<std::uint64_t> Jobs::give_up_others() {
    return archive_.give_up_running(options_.alone ? std::chrono::seconds(0) : kNobodys);
}

void Jobs::start(const Person& person, const Started& started) {
    auto job = std::make_shared<Job>(*this, person, started.question, started.answer, next_base());
    job->feed->event("started", event_json("started", [&](json::Writer& w) {
                         w.member("message", job->id()).member("model", started.answer.model);
                         w.member("at", rfc3339(gateway_.clock().wall()));
                     }));
    job->feed->reasoning(started.answer.reasoning);
    job->feed->text(started.answer.text);
    {
        const std::lock_guard lock(mutex_);
        jobs_[job->id()] = job;
    }
    submit([this, job] { prepare(job); });
}

void Jobs::submit(std::function<void()> task) {
    if (crew_.submit(task)) return;
    const std::lock_guard lock(mutex_);
    if (!stopped_) postponed_.push_back(std::move(task));
}

std::shared_ptr<Job> Jobs::find(std::string_view answer) const {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(std::string(answer));
    return found == jobs_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Job>> Jobs::of_conversation(std::string_view conversation) const {
    std::vector<std::shared_ptr<Job>> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_)
        if (job->conversation() == conversation) out.push_back(job);
    return out;
}

std::size_t Jobs::running() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        jobs_.begin(), jobs_.end(), [](const auto& entry) { return !entry.second->ended(); }));
}

void Jobs::prepare(const std::shared_ptr<Job>& job) {
    if (job->stop_requested()) {
        Outcome outcome;
        outcome.end = Outcome::End::kStopped;
        complete(job, std::move(outcome));
        return;
    }
    if (!search(job)) return;
    ask_engine(job);
}

std::string Jobs::search_text(const Job& job) {
    std::string text = job.question.text;
    if (!job.question.parent || !says_too_little(text)) return text;
    const auto before = archive_.branch(job.person, job.conversation(), "", job.question.id, 2);
    if (before && !before->messages.empty() &&
        before->messages.front().role == Message::Role::kUser)
        text = behind(before->messages.front().text, text);
    return text;
}

/// What the person put into this conversation comes first, then passages of collections: those
/// named, or (kAll) all that the person may read.
Result<Found> Jobs::find_passages(const Job& job, Collections which) {
    SEGUE_TRY(own, files_.sources(job.person, job.conversation(), job.question.text));
    Found found;
    if (retrieval_ && (which == Collections::kAll || !job.question.collections.empty())) {
        SEGUE_TRY(searched, retrieval_->search(job.person, search_text(job),
                                               job.question.collections, options_.passages));
        found = std::move(searched);
    }
    for (auto& source : found.sources)
        own.push_back(std::move(source));
    for (std::size_t i = 0; i < own.size(); ++i)
        own[i].n = static_cast<int>(i) + 1;
    found.sources = std::move(own);
    return found;
}

/// The sources go into the answer and to whoever follows; false: the search itself failed.
bool Jobs::look_for(const std::shared_ptr<Job>& job, Collections which) {
    job->feed->event("searching", event_json("searching", [&](json::Writer& w) {
                         w.key("collections").begin_array();
                         if (retrieval_)
                             for (const auto& name : retrieval_->names(job->question.collections))
                                 w.string(name);
                         w.end_array();
                     }));
    const TimePoint before = gateway_.clock().now();
    auto found = find_passages(*job, which);
    const double took = milliseconds(gateway_.clock().now() - before);
    if (!found) {
        Message message = job->so_far();
        message.state = Message::State::kIncomplete;
        message.trouble = trouble_of(found.error());
        conclude(job, std::move(message));
        return false;
    }
    job->feed->event("sources", event_json("sources", [&](json::Writer& w) {
                         w.key("sources").begin_array();
                         for (const auto& source : found->sources)
                             write(w, source);
                         w.end_array().member("vector", found->vector).member("took_ms", took);
                     }));
    job->change([&](Message& answer) {
        answer.sources = std::move(found->sources);
        if (!answer.record) answer.record.emplace();
        answer.record->search_ms = took;
    });
    return true;
}

bool Jobs::search(const std::shared_ptr<Job>& job) {
    if (!job->so_far().sources.empty()) return true;  // goes on with those it had
    const bool asked = retrieval_ && !job->question.collections.empty();
    if (!asked) {
        const auto files = files_.list(job->person, job->conversation());
        if (files && files->empty()) return true;
    }
    if (!look_for(job, Collections::kNamed)) return false;
    Message message = job->so_far();
    if (!message.sources.empty() || !asked) return true;
    // Nothing matches: an engine could only invent.
    message.kind = Message::Kind::kNothingFound;
    message.state = Message::State::kComplete;
    message.record.reset();
    conclude(job, std::move(message));
    return false;
}

void Jobs::ask_engine(const std::shared_ptr<Job>& job) {
    const auto registry = gateway_.snapshot().registry;
    const Message answer = job->so_far();
    const std::string model = answer.model.empty() ? default_model(*registry) : answer.model;
    const ModelFacts facts = facts_of(*registry, model);
    if (!facts.known || !facts.healthy) {
        Trouble trouble;
        trouble.status = 503;
        trouble.title = "No engine answers";
        trouble.detail =
            model.empty() ? "no engine is there that serves a model; an administrator sees them "
                            "under Engines"
            : !facts.known
                ? fmt::format("no engine serves the model {} now; choose another one", model)
                : fmt::format("no engine that serves {} answers now; try again in a moment", model);
        without_engine(job, std::move(trouble), {});
        return;
    }
    auto whole = archive_.find(job->person, job->conversation());
    auto before =
        whole ? archive_.branch(job->person, job->conversation(), "", job->question.id, kHistory)
              : Result<Branch>(tl::make_unexpected(whole.error()));
    const auto give_up = [&](const Error& error) {
        Message message = job->so_far();
        message.state = Message::State::kIncomplete;
        message.trouble = trouble_of(error);
        conclude(job, std::move(message));
    };
    if (!before) return give_up(before.error());
    for (auto message = before->messages.rbegin(); message != before->messages.rend(); ++message)
        if (message->record && !message->record->engine.empty()) {
            job->set_previous_engine(message->record->engine);
            break;
        }

    PromptParts parts;
    parts.system = whole->system;
    parts.sources = answer.sources;
    parts.before = std::move(before->messages);
    parts.question = &job->question;
    parts.begun = job->begun;
    auto prompt = make_prompt(parts, facts.limit, [&](const auto& messages) {
        return room_->count(model, messages, "chat");
    });
    if (!prompt) return give_up(prompt.error());
    job->change([&](Message& changed) {
        changed.context = prompt->context;
        changed.sources = prompt->sources;
    });
    job->feed->event("context", event_json("context", [&](json::Writer& w) {
                         w.key("context");
                         write(w, prompt->context);
                     }));
    job->feed->event("waiting", event_json("waiting", [&](json::Writer& w) {
                         w.member("detail", fmt::format("waiting for {}", model));
                     }));
    Asking asking;
    asking.model = model;
    asking.messages = std::move(prompt->messages);
    asking.session = job->conversation();
    asking.goes_on = !job->begun.empty() && facts.is_vllm;
    job->asked(room_->ask(std::move(asking), job));
}

void Jobs::finish(std::shared_ptr<Job> job, Outcome outcome) {
    const auto ended = std::make_shared<Ended>(Ended{std::move(job), std::move(outcome)});
    submit([this, ended] { complete(ended->job, std::move(ended->outcome)); });
}

void Jobs::complete(const std::shared_ptr<Job>& job, Outcome outcome) {
    Message message = job->so_far();
    AnswerRecord record = std::move(outcome.record);
    if (message.record) record.search_ms = message.record->search_ms;
    if (job->previous_engine() && !record.engine.empty() &&
        *job->previous_engine() != record.engine)
        record.previous_engine = job->previous_engine();
    if (outcome.end == Outcome::End::kFailed && outcome.unreachable && trim(message.text).empty()) {
        without_engine(job, std::move(*outcome.trouble), std::move(record));
        return;
    }
    job->feed->event("usage", event_json("usage", [&](json::Writer& w) {
                         const auto count = [&](std::string_view name, const auto& value) {
                             w.key(name);
                             value ? w.integer(*value) : w.null();
                         };
                         count("tokens_in", record.tokens_in);
                         count("tokens_out", record.tokens_out);
                         count("cached_tokens", record.cached_tokens);
                     }));
    if (message.context && record.tokens_in) {
        message.context->tokens = *record.tokens_in;
        message.context->counted_by = ContextReport::Counter::kEngine;
    }
    message.reasoning_ms = outcome.reasoning_ms;
    message.citations = check_citations(message.text, message.sources);
    message.trouble = std::move(outcome.trouble);
    switch (outcome.end) {
        case Outcome::End::kWhole: message.state = Message::State::kComplete; break;
        case Outcome::End::kStopped:
            message.state = Message::State::kStopped;
            if (!job->interrupted()) break;
            message.state = Message::State::kIncomplete;
            message.trouble = Trouble{503, "Interrupted",
                                      "Segue was stopped while this answer was being written; "
                                      "continue it, or ask again",
                                      std::nullopt};
            break;
        case Outcome::End::kFailed: message.state = Message::State::kIncomplete; break;
    }
    if (message.state == Message::State::kComplete && trim(message.text).empty() &&
        message.tool_calls.empty()) {
        message.state = Message::State::kIncomplete;
        message.trouble =
            Trouble{502, "The answer is empty",
                    "the engine ended its answer without a word; ask again, or choose "
                    "another model",
                    std::nullopt};
    }
    message.record = std::move(record);
    conclude(job, std::move(message));
}

void Jobs::without_engine(const std::shared_ptr<Job>& job, Trouble trouble, AnswerRecord record) {
    // Retrieval needs no engine: what matches is shown, as what it is.
    if (retrieval_ && job->so_far().sources.empty() && !job->stop_requested() &&
        !look_for(job, Collections::kAll))
        return;
    Message message = job->so_far();
    message.trouble = std::move(trouble);
    if (message.record) record.search_ms = message.record->search_ms;
    if (message.sources.empty() || !job->begun.empty()) {
        message.state = Message::State::kIncomplete;
        message.record.reset();
    } else {
        message.kind = Message::Kind::kPassages;
        message.state = Message::State::kComplete;
        record.finish_reason = "no_engine";
        message.record = std::move(record);
    }
    conclude(job, std::move(message));
}

void Jobs::conclude(const std::shared_ptr<Job>& job, Message message) {
    const bool broken = message.state == Message::State::kIncomplete;
    if (const auto saved = archive_.save(message); !saved) {
        log::warning("the answer {} could not be kept yet: {}", message.id, saved.error().detail);
        const std::lock_guard lock(mutex_);
        if (unsaved_.size() < kMostUnsaved) unsaved_.push_back(message);
    }
    // Told also when the store is away: whoever waits for it has it in hand.
    job->end(broken ? "failed" : "finished", message);
}

void Jobs::stop() {
    std::vector<std::shared_ptr<Job>> running;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(stopped_, true)) return;
        for (const auto& [id, job] : jobs_)
            if (!job->ended()) running.push_back(job);
    }
    // What came is kept; the page offers to go on.
    for (const auto& job : running)
        job->interrupt();
    const auto deadline = std::chrono::steady_clock::now() + kLastAnswers;
    for (const auto& job : running)
        job->wait_for_end(std::chrono::duration_cast<std::chrono::milliseconds>(
            std::max(deadline - std::chrono::steady_clock::now(), Duration{0})));
    housekeeper_.request_stop();
    housekeeper_ = {};
    room_->stop();
    crew_.stop();
}

}  // namespace segue::chat
