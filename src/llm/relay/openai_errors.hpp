/// Errors of OpenAI-compatible engines, in all the shapes seen (wire 2.2, 5.1), and what a relay
/// makes of them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.hpp"
#include "llm/bridge.hpp"
#include "llm/failure.hpp"

namespace segue::llm {

struct OpenAiEngineError {
    std::string message;
    std::string type;
    std::string param;
    std::string code;
    int status = 0;  // the code, when it is an HTTP status
};

/// The error that an answer or a chunk holds, if it holds one: `{"error":{…}}`, `{"error":"text"}`,
/// the flat
/// `{"object":"error",…}`, the event `{"type":"error",…}`, `{"detail":…}`.
std::optional<OpenAiEngineError> read_openai_error(json::Value root);

/// `text` with the served name replaced wherever it stands as a word of its own.
std::string with_client_model(std::string_view text, std::string_view served,
                              std::string_view client);

/// What an engine's non-2xx answer becomes: a failure (another target may be tried), or an answer
/// for the client.
struct PassedError {
    int status = 0;
    std::string body;
};
std::variant<Failure, PassedError> judge_openai_error(const EngineAnswer& answer,
                                                      std::string_view served,
                                                      std::string_view client,
                                                      std::string_view path);

/// An error that came instead of the first event of a stream, or inside a 200 answer.
Failure failure_of(const OpenAiEngineError& error, std::string_view served,
                   std::string_view client);

}  // namespace segue::llm
