#include "chat/grounder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "chat/citations.hpp"
#include "chat/engine_room.hpp"
#include "chat/json.hpp"
#include "chat/prompt.hpp"
#include "chat/words.hpp"

namespace segue::chat {
namespace {

using Cause = llm::Failure::Cause;

constexpr auto kNamesStay = std::chrono::seconds(5);
// Of a passage's text, in the sources that programs read: a line of Ollama's stream must stay short
// of 64 KiB.
constexpr std::size_t kLongestText = 2'000;

std::string position_text(const Source& source) {
    if (source.page) return fmt::format(", page {}", *source.page);
    if (!source.first_line) return "";
    if (!source.last_line || *source.last_line == *source.first_line)
        return fmt::format(", line {}", *source.first_line);
    return fmt::format(", lines {}-{}", *source.first_line, *source.last_line);
}

/// "Handbook › Backups (handbook.md, lines 3-9)"
std::string where_text(const Source& source) {
    const std::string place = place_text(source);
    if (place == source.path) return place + position_text(source);
    return fmt::format("{} ({}{})", place, source.path, position_text(source));
}

llm::Failure failure_of(const Error& error) {
    switch (error.fault) {
        case Fault::kNotFound: return {Cause::kModelNotFound, error.detail};
        case Fault::kInvalid:
        case Fault::kTooLarge: return {Cause::kBadRequest, error.detail, 400};
        case Fault::kTimeout: return {Cause::kTimeout, error.detail};
        case Fault::kConflict:
        case Fault::kUnreachable:
        case Fault::kIo:
        case Fault::kInternal: break;
    }
    llm::Failure failure{Cause::kUnreachable,
                         fmt::format("the documents cannot be searched now: {}", error.detail)};
    failure.retry_after = std::chrono::seconds(2);
    return failure;
}

struct Questions {
    std::string last;
    std::string before;
};

Questions questions_of(const std::vector<llm::Message>& turns) {
    Questions out;
    for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
        if (turn->role != "user" || trim(turn->text()).empty()) continue;
        if (!out.last.empty()) {
            out.before = turn->text();
            break;
        }
        out.last = turn->text();
    }
    return out;
}

std::string programs_text(const std::string& text) {
    return text.size() > kLongestText ? replace_invalid_utf8(text.substr(0, kLongestText)) : text;
}

}  // namespace

llm::Closing closing_of(std::string_view answer, const std::vector<Source>& sources) {
    std::map<int, bool> cited;  // number -> borne out, wherever it stands
    for (const auto& citation : check_citations(answer, sources)) {
        const bool good = citation.finding == Citation::Finding::kSupported;
        const auto [entry, fresh] = cited.try_emplace(citation.n, good);
        if (!fresh) entry->second = entry->second && good;
    }
    const bool any = std::any_of(sources.begin(), sources.end(),
                                 [&](const Source& source) { return cited.contains(source.n); });
    llm::Closing closing;
    closing.text =
        any ? "\n\nSources:" : "\n\nPassages that were given (the answer cites none of them):";
    json::Writer w(closing.sources);
    w.begin_array();
    for (const auto& source : sources) {
        const auto found = cited.find(source.n);
        if (!any || found != cited.end()) {
            closing.text += fmt::format("\n[{}] {}", source.n, where_text(source));
            if (found != cited.end() && !found->second)
                closing.text += " - does not say what it is cited for";
        }
        Source shown = source;
        shown.text = programs_text(source.text);
        std::string text = to_json(shown);
        text.pop_back();  // its }
        w.raw(fmt::format("{},\"cited\":{},\"supported\":{}}}", text, found != cited.end(),
                          found == cited.end() ? "null"
                          : found->second      ? "true"
                                               : "false"));
    }
    w.end_array();
    return closing;
}

std::string passages_alone(const std::vector<Source>& sources, std::string_view collection) {
    std::string out = fmt::format("No model answers now. {} of {} match{} the question:",
                                  sources.size() == 1 ? "This passage" : "These passages",
                                  collection, sources.size() == 1 ? "es" : "");
    for (const auto& source : sources)
        out += fmt::format("\n\n[{}] {}\n{}", source.n, where_text(source), trim(source.text));
    return out;
}

Grounder::Grounder(gateway::Gateway& gateway, Retrieval& retrieval, GrounderOptions options)
    : gateway_(gateway),
      retrieval_(retrieval),
      options_(std::move(options)),
      crew_({.threads = options_.threads, .queue = options_.queue}) {
}

void Grounder::find(gateway::Wanted wanted, std::function<void(Found)> done) {
    const auto shared = std::make_shared<gateway::Wanted>(std::move(wanted));
    if (crew_.submit([this, shared, done] { done(look_up(*shared)); })) return;
    llm::Failure busy{Cause::kQueueFull, "too many questions to documents wait; try again in 1 s"};
    busy.retry_after = std::chrono::seconds(1);
    done(tl::make_unexpected(std::move(busy)));
}

gateway::Retriever::Found Grounder::look_up(const gateway::Wanted& wanted) {
    const Questions questions = questions_of(wanted.turns);
    if (questions.last.empty())
        return llm::refuse(Cause::kBadRequest,
                           "there is no question to look up: the last user "
                           "message has no text",
                           400);
    const std::string text = !questions.before.empty() && says_too_little(questions.last)
                                 ? behind(questions.before, questions.last)
                                 : questions.last;
    const Person asker{0, "", wanted.has_key ? "program" : ""};
    auto found = retrieval_.search(asker, text, {wanted.collection}, options_.passages);
    if (!found) return tl::make_unexpected(failure_of(found.error()));

    auto grounding = std::make_shared<llm::Grounding>();
    const auto facts = facts_of(*gateway_.snapshot().registry, wanted.model);
    const auto none = [](std::string_view) { return llm::Closing{"", "[]"}; };
    if (found->sources.empty()) {
        // An engine could only invent.
        grounding->said =
            fmt::format("Nothing in the documents of {} answers this question.", wanted.collection);
        grounding->closing = none;
        return grounding;
    }
    auto alone = std::make_shared<llm::Grounding>();
    alone->said = passages_alone(found->sources, wanted.collection);
    alone->closing = [sources = found->sources](std::string_view) {
        return llm::Closing{"", closing_of("", sources).sources};
    };
    grounding->without_engine = std::move(alone);
    auto& sources = found->sources;
    // One at least: a chat that is too long for it is the engine's to cut or to refuse.
    sources.resize(std::max<std::size_t>(passages_that_fit(sources, wanted.turns, facts.limit), 1));
    grounding->passages = passages_text(sources);
    grounding->closing = [sources = std::move(sources)](std::string_view answer) {
        return closing_of(answer, sources);
    };
    return grounding;
}

void Grounder::list(std::vector<std::string> collections) {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(collections);
    looked_ = {};
    names_.clear();
}

std::vector<std::string> Grounder::listed() {
    const std::lock_guard lock(mutex_);
    if (wanted_.empty()) return {};
    const TimePoint now = gateway_.clock().now();
    if (looked_ == TimePoint{} || now - looked_ > kNamesStay)
        if (crew_.submit([this] { look_at_names(); })) looked_ = now;
    return names_;
}

void Grounder::look_at_names() {
    auto readable = retrieval_.readable(Person{});
    if (!readable) return;  // the store is away: the lists stay as they were
    const std::lock_guard lock(mutex_);
    const auto has = [&](std::string_view name) {
        return std::find(wanted_.begin(), wanted_.end(), name) != wanted_.end();
    };
    if (!has("*")) std::erase_if(*readable, [&](const auto& name) { return !has(name); });
    names_ = std::move(*readable);
}

}  // namespace segue::chat
