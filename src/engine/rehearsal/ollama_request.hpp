/// Reads requests as Ollama does: Go's JSON rules, Go's error texts, the checks in Ollama's order
/// (wire 1.3 to 1.8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/json.hpp"
#include "engine/rehearsal/prompt.hpp"
#include "engine/rehearsal/state.hpp"

namespace segue::engine::rehearsal {

struct OllamaRefusal {
    int status = 400;
    std::string message;
};
template <class T>
using OllamaOutcome = tl::expected<T, OllamaRefusal>;

/// The first JSON value of a body; what follows it is ignored, as Go's decoder does.
OllamaOutcome<json::Value> read_go_json(json::Parser& parser, std::string_view body);

enum class OllamaRoute : std::uint8_t { kChat, kGenerate };

struct OllamaCall {
    std::string model;  // as sent
    OllamaRoute route = OllamaRoute::kChat;
    Prompt prompt;
    bool stream = true;
    bool raw = false;
    bool logprobs = false;
    std::int64_t top_logprobs = 0;
    bool truncate = true;
    std::int64_t context = 0;         // tokens; of num_ctx or the engine
    bool is_load = false;             // nothing to answer: load or unload
    std::int64_t keep_seconds = 300;  // negative = forever
};
OllamaOutcome<OllamaCall> read_ollama_call(json::Value request, OllamaRoute route,
                                           EngineState& state);

/// "10m", "1h30m", 300, "-1m" -> seconds; nothing when absent.
OllamaOutcome<std::optional<std::int64_t>> read_keep_alive(json::Value value);

/// The message list of a request, /api/chat's and /v1's differing only in arguments (object or
/// string).
OllamaOutcome<std::vector<PromptMessage>> read_go_messages(json::Value messages);
std::vector<PromptTool> read_tools(json::Value tools);

}  // namespace segue::engine::rehearsal
