/// Canonical requests written as bodies for an OpenAI-style engine, and what had to be left out or
/// changed (wire 3.1 to 3.4, 3.14, 5.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/chat.hpp"
#include "llm/declarations.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

/// vLLM takes this many stop strings; the rest is matched here (stop_matcher.hpp).
inline constexpr std::size_t kMaxEngineStops = 4;
std::vector<std::string> stops_for_segue(const Sampling& sampling);

/// Streams are wanted always (true timings, a deadline between events), except where vLLM gives
/// more in one piece: n > 1, best_of, prompt_logprobs, or profile.upstream_stream: false.
enum class Delivery : std::uint8_t { kStream, kWhole };
Delivery delivery_for(std::int64_t choices, const std::vector<Extra>& extras,
                      const Profile& profile);

/// `request.messages` went through prepare_messages. `max_tokens`, when given, is what an earlier
/// answer taught to be the most that fits.
Outcome<std::string> encode_chat(const ChatRequest& request, const Target& target,
                                 std::optional<std::int64_t> max_tokens, Declarations& declared);

/// What /tokenize is asked to count the same prompt.
Outcome<std::string> encode_tokenize(const ChatRequest& request, const Target& target);

/// The same chat as token ids through /v1/completions (`context: exact`, wire 3.3).
Outcome<std::string> encode_token_prompt(const ChatRequest& request,
                                         const std::vector<std::int64_t>& prompt,
                                         const Target& target, Declarations& declared);

enum class Suffix : std::uint8_t { kSend, kByTemplate };
Outcome<std::string> encode_completion(const CompletionRequest& request, const Target& target,
                                       Suffix suffix, std::optional<std::int64_t> max_tokens,
                                       Declarations& declared);

std::string encode_embed(const EmbedRequest& request, const Target& target, Declarations& declared);

}  // namespace segue::llm::openai_engine
