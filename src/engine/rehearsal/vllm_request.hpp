/// Reads requests as vLLM does: pydantic's texts for wrong shapes, vLLM's own for wrong values
/// (wire 2.2 to 2.4).
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

struct VllmRefusal {
    int status = 400;
    std::string type = "BadRequestError";
    std::string message;
    std::string param;  // "" = null
};
template <class T>
using VllmOutcome = tl::expected<T, VllmRefusal>;

/// The error object as vLLM writes it.
std::string vllm_error(const VllmRefusal& refusal);
/// "NotFoundError" and so on, for a status.
std::string_view vllm_error_type(int status);

/// The body as JSON object, after content type and syntax were looked at.
VllmOutcome<json::Value> read_vllm_json(json::Parser& parser, const net::RequestHead& head,
                                        std::string_view body);
/// Nothing when the model is served here, or none was named.
std::optional<VllmRefusal> check_model(json::Value request, const EngineState& state);

enum class VllmRoute : std::uint8_t { kChat, kCompletions };

struct VllmCall {
    VllmRoute route = VllmRoute::kChat;
    std::vector<Prompt> prompts;  // one, or several of /v1/completions
    bool stream = false;
    bool include_usage = false;
    bool continuous_usage = false;
    std::int64_t n = 1;
    bool logprobs = false;
    std::int64_t top_logprobs = 0;
    bool echo = false;
    bool include_reasoning = true;
    bool return_token_ids = false;
    bool forced_call = false;       // tool_choice required or named: content "" instead of null
    bool named_call = false;        // ends with "stop"
    bool all_is_reasoning = false;  // the parser trap
    std::string request_id;         // "" = made here
};
VllmOutcome<VllmCall> read_vllm_call(json::Value request, VllmRoute route,
                                     const net::RequestHead& head, EngineState& state);
/// Messages, tools and the thinking switch, as /tokenize needs them, too.
VllmOutcome<Prompt> read_vllm_chat(json::Value request, const EngineState& state);
/// Checks the length of a prompt against the context.
std::optional<VllmRefusal> check_length(const EngineState& state, std::int64_t characters,
                                        std::int64_t tokens);

}  // namespace segue::engine::rehearsal
