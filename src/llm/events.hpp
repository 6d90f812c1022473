/// Canonical events: the only thing that the decoder of an engine's stream and the encoder of a
/// client's stream share. Text is UTF-8 and never cut inside a code point. Order within one choice:
/// Reasoning before Text, Finished last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "llm/failure.hpp"

namespace segue::llm {

/// The engine has begun to answer.
struct Started {
    bool operator==(const Started&) const = default;
};
struct Text {
    std::string text;
    std::uint32_t choice = 0;
    bool operator==(const Text&) const = default;
};
struct Reasoning {
    std::string text;
    std::uint32_t choice = 0;
    bool operator==(const Reasoning&) const = default;
};
/// A fragment of a tool call. `index` counts the calls of the choice from 0. id and name come at
/// least once, in the first fragment unless the engine is odd; `arguments` are to be appended.
struct ToolCallDelta {
    std::uint32_t index = 0;
    std::string id;
    std::string name;
    std::string arguments;
    std::uint32_t choice = 0;
    bool operator==(const ToolCallDelta&) const = default;
};
struct TokenLogprob {
    std::string token;
    double logprob = 0;
    std::optional<std::vector<std::uint8_t>> bytes;
    std::vector<TokenLogprob> top;
    bool operator==(const TokenLogprob&) const = default;
};
/// Belongs to the Text or Reasoning (or, when none follows, the Finished) that comes next in the
/// same choice.
struct Logprobs {
    std::vector<TokenLogprob> tokens;
    std::uint32_t choice = 0;
    bool operator==(const Logprobs&) const = default;
};
/// Counts so far; later ones overwrite earlier ones member by member.
struct Usage {
    std::optional<std::int64_t> prompt_tokens;
    std::optional<std::int64_t> completion_tokens;
    std::optional<std::int64_t> reasoning_tokens;
    std::optional<std::int64_t> cached_tokens;
    std::optional<double> queue_ms;  // time in the engine's queue, when it tells
    bool operator==(const Usage&) const = default;
    void update(const Usage& later);
};
/// Token ids, only when asked for (Ollama's `context`).
struct TokenIds {
    std::vector<std::int64_t> prompt;
    std::vector<std::int64_t> completion;
    bool operator==(const TokenIds&) const = default;
};
/// Embeddings, in input order, as the engine gave them.
struct Vectors {
    std::vector<std::vector<double>> rows;
    bool operator==(const Vectors&) const = default;
};
/// The passages that an answer was made from, as a JSON array (grounding.hpp): dialects show it
/// beside the answer.
struct Sources {
    std::string json;
    std::uint32_t choice = 0;
    bool operator==(const Sources&) const = default;
};
enum class FinishReason : std::uint8_t { kStop, kLength, kToolCalls, kLoad, kUnload };
struct Finished {
    FinishReason reason = FinishReason::kStop;
    std::string stop_sequence;  // the stop string that matched, when the engine tells
    std::uint32_t choice = 0;
    bool operator==(const Finished&) const = default;
};
/// The whole answer is there (after every Finished and the last Usage). Nothing follows.
struct Ended {
    bool operator==(const Ended&) const = default;
};
/// The answer broke. Nothing follows.
struct Failed {
    Failure failure;
    bool operator==(const Failed& other) const {
        return failure.cause == other.failure.cause && failure.message == other.failure.message;
    }
};

using Event = std::variant<Started, Text, Reasoning, ToolCallDelta, Logprobs, Usage, TokenIds,
                           Vectors, Sources, Finished, Ended, Failed>;
using Events = std::vector<Event>;

}  // namespace segue::llm
