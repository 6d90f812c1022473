#include "llm/session.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace segue::llm {
namespace {

// An engine's numbers decide how much memory a choice or a call takes: odd ones are passed over.
constexpr std::uint32_t kMaxChoices = 1024;
constexpr std::uint32_t kMaxToolCalls = 1024;

Answer::Choice* choice_of(Answer& answer, std::uint32_t index) {
    if (index >= kMaxChoices) return nullptr;
    if (answer.choices.size() <= index) answer.choices.resize(std::size_t{index} + 1);
    return &answer.choices[index];
}

/// Ids and names come once, in pieces, or (some engines) whole in every fragment.
void add_piece(std::string& whole, std::string_view piece) {
    if (whole != piece) whole += piece;
}

void add_call(Answer& answer, const ToolCallDelta& delta) {
    Answer::Choice* choice = choice_of(answer, delta.choice);
    if (choice == nullptr || delta.index >= kMaxToolCalls) return;
    if (choice->tool_calls.size() <= delta.index) {
        choice->tool_calls.resize(std::size_t{delta.index} + 1);
    }
    ToolCall& call = choice->tool_calls[delta.index];
    add_piece(call.id, delta.id);
    add_piece(call.name, delta.name);
    call.arguments += delta.arguments;
}

void append(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void Answer::add(const Event& event) {
    std::visit(overloaded{
                   [](const Started&) {},
                   [this](const Text& text) {
                       if (Choice* choice = choice_of(*this, text.choice))
                           choice->text += text.text;
                   },
                   [this](const Reasoning& reasoning) {
                       if (Choice* choice = choice_of(*this, reasoning.choice)) {
                           choice->reasoning += reasoning.text;
                       }
                   },
                   [this](const ToolCallDelta& delta) { add_call(*this, delta); },
                   [this](const Sources& given) {
                       if (given.choice == 0) sources = given.json;
                   },
                   [this](const Logprobs& logprobs) {
                       Choice* choice = choice_of(*this, logprobs.choice);
                       if (choice == nullptr) return;
                       choice->logprobs.insert(choice->logprobs.end(), logprobs.tokens.begin(),
                                               logprobs.tokens.end());
                   },
                   [this](const Usage& later) { usage.update(later); },
                   [this](const TokenIds& ids) {
                       append(token_ids.prompt, ids.prompt);
                       append(token_ids.completion, ids.completion);
                   },
                   [](const Vectors&) {},  // embedding encoders take the rows from the event
                   [this](const Finished& finished) {
                       if (Choice* choice = choice_of(*this, finished.choice)) {
                           choice->finished = finished;
                       }
                   },
                   [this](const Ended&) { ended = true; },
                   [](const Failed&) {},
               },
               event);
}

const Answer::Choice& Answer::first() const {
    static const Choice kNone;
    return choices.empty() ? kNone : choices.front();
}

std::optional<std::string> normalize_arguments(std::string_view arguments) {
    if (trim(arguments).empty()) return "{}";
    json::Parser parser;
    const auto parsed = parser.parse(arguments);
    if (!parsed) return std::nullopt;
    if (parsed->is_object()) return json::minify(parsed->raw());
    if (!parsed->is_string()) return std::nullopt;
    // Some engines encode the object twice.
    const std::string inner(parsed->string());
    if (!json::is_object(inner)) return std::nullopt;
    return json::minify(trim(inner));
}

std::string made_tool_call_id(std::size_t message_position, std::string_view name,
                              std::string_view arguments, bool mistral) {
    // Lengths keep ("ab", "c") and ("a", "bc") apart.
    const std::string hash = sha256_hex(fmt::format("{}:{}:{}:{}{}", message_position, name.size(),
                                                    arguments.size(), name, arguments));
    return mistral ? hash.substr(0, 9) : "call_" + hash.substr(0, 24);
}

}  // namespace segue::llm
