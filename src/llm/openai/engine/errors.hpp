/// Errors of OpenAI-style engines, in every shape they were seen in (wire 2.2, 5.1), and what they
/// mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "llm/bridge.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm::openai_engine {

struct EngineError {
    std::string message;
    std::string type;
    std::string param;
    std::string code;  // text, or the digits of a number
    int status = 0;    // from a numeric code; 0 = none
    bool is_json = false;
    bool in_shape = false;  // {"error": {…}}: can be handed on as it is
    bool is_route = false;  // {"detail": "Not Found"}: the route, not the model, is missing
};

/// The error that an answer or a chunk holds, if it holds one; it may have come with status 200
/// (wire 5.1): `{"error":{…}}`, `{"error":"text"}`, the flat `{"object":"error",…}`, the event
/// `{"type":"error",…}`, `{"detail":…}`.
std::optional<EngineError> find_error(json::Value root);
/// The body of a non-2xx answer, whatever it is.
EngineError read_error(std::string_view body);

bool is_too_long(const EngineError& error);
/// A 404 that is about the model, not about the route or another object.
bool is_model_unknown(int status, const EngineError& error);
/// vLLM's queue limits (--max-num-queued-reqs): busy, not broken.
bool says_queue_full(int status, std::string_view type, std::string_view message);

/// A non-2xx answer.
Failure answer_failure(const EngineAnswer& answer, const EngineError& error, const Target& target,
                       std::string_view client_model);
/// An error object where an answer should be: inside a stream, or with status 200.
Failure body_failure(const EngineError& error, const Target& target, std::string_view client_model);

}  // namespace segue::llm::openai_engine
