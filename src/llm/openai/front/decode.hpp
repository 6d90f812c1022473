/// OpenAI request bodies -> canonical requests, for engines that do not speak OpenAI's dialect
/// (wire 3.12).
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"
#include "llm/openai/front/encode.hpp"
#include "llm/openai/front/fields.hpp"

namespace segue::llm::openai {

/// More answers than this to one request are refused: each is a request to the engine.
inline constexpr std::int64_t kMaxChoices = 128;

Outcome<ChatRequest> decode_chat(json::Value body, Declarations& declared);
Outcome<CompletionRequest> decode_completion(json::Value body, Declarations& declared);

struct DecodedEmbed {
    EmbedRequest request;
    EmbeddingFormat format = EmbeddingFormat::kFloat;
};
Outcome<DecodedEmbed> decode_embed(json::Value body, Declarations& declared);

/// The messages of a chat.
Outcome<std::vector<Message>> decode_messages(json::Value messages, Declarations& declared);

// What chat and completions have in common.

/// Sampling from the top level (which wins) and from Ollama's `options`; other options are appended
/// to `extras`.
Sampling take_sampling(Fields& fields, std::vector<Extra>& extras);
/// A duration string or a number, as exact JSON.
std::string take_keep_alive(Fields& fields);
ResponseFormat take_response_format(Fields& fields);
std::int64_t take_choices(Fields& fields);
/// stream_options.include_usage.
bool take_include_usage(Fields& fields, Declarations& declared);

}  // namespace segue::llm::openai
