/// Ollama's error answers understood (wire 1.3).
#pragma once

#include <string>
#include <string_view>

#include "llm/bridge.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm::ollama {

/// The text of an error: `{"error":"text"}`, the runner's own JSON inside such a string, or
/// `{"error":{"message"}}`.
struct ErrorText {
    std::string message;
    std::string type;      // the runner's, such as "exceed_context_size_error"
    bool is_json = false;  // false: some other body, such as a proxy's page
};
ErrorText read_error(std::string_view body);

/// The engine's name of the model, wherever a text quotes it, becomes the client's.
std::string with_client_model(std::string text, std::string_view served, std::string_view client);

/// A non-2xx answer. `client_model`: as the client wrote it.
Failure answer_failure(const EngineAnswer& answer, const Target& target,
                       std::string_view client_model);

/// An `{"error":…}` line inside a stream.
Failure line_failure(std::string_view line, const Target& target, std::string_view client_model);

}  // namespace segue::llm::ollama
