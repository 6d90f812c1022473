/// What an engine is asked: the system prompt, the passages, the conversation so far, the question;
/// shortened by rule to what the model can read, and what was left out is told. Pure.
///
/// The rule: the system prompt and the question always stay. First the oldest question and answer
/// go, then the next; when only the question is left, passages go, the weakest first; when the
/// question alone is too long, that is an error that says so.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "chat/types.hpp"
#include "llm/chat.hpp"

namespace segue::chat {

struct PromptParts {
    std::string system;           // of the conversation; "" = none
    std::vector<Source> sources;  // best first
    std::vector<Message> before;  // from the first on, without the question
    const Message* question = nullptr;
    std::string begun;  // an answer to go on with, "" = a new one
};

struct Prompt {
    std::vector<llm::Message> messages;
    ContextReport context;
    std::vector<Source> sources;  // that are in it
};

/// Tokens of a prompt; nothing: cannot be counted.
using TokenCounter =
    std::function<std::optional<std::int64_t>(const std::vector<llm::Message>& messages)>;

/// `limit`: tokens that the model can read; none: nobody knows, nothing is shortened. `count` is
/// asked only when an estimate comes near the limit: a count costs a request.
Result<Prompt> make_prompt(const PromptParts& parts, std::optional<std::int64_t> limit,
                           const TokenCounter& count);

/// The rules of citing and the numbered passages, as they stand in a system prompt; "" for none.
std::string passages_text(std::span<const Source> sources);
/// How many of the best passages the model can read besides `messages`, by a guess.
std::size_t passages_that_fit(std::span<const Source> sources,
                              const std::vector<llm::Message>& messages,
                              std::optional<std::int64_t> limit);
/// "Handbook › Getting started": title and headings.
std::string place_text(const Source& source);

/// A guess that is rather too high: 3 bytes a token for Latin script, one a character for others.
std::int64_t estimate_tokens(std::string_view text);

}  // namespace segue::chat
