/// tool_choice "required" and a named tool, towards Ollama, which knows neither: `format`
/// constrains the answer to the JSON of one call, and that JSON becomes the call (wire 3.12, C91).
///
/// Sans-IO; one ForcedCall for each choice of a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "llm/chat.hpp"
#include "llm/events.hpp"
#include "llm/failure.hpp"
#include "llm/target.hpp"

namespace segue::llm::ollama {

bool forces_call(const ChatRequest& request);

/// The schema of one call of a tool that may be called. Refused where it would not be exact: a tool
/// that is not there, and parameters with `$ref`, whose targets move when the schema is put into
/// another.
Outcome<std::string> forced_call_schema(const ChatRequest& request);

/// Turns the text of a constrained answer into the call; an engine that made a call by itself is
/// taken at its word. Nothing is given to the client before the answer is whole, so that an engine
/// which does not keep to the schema is a failure and never a wrong answer.
class ForcedCall {
public:
    /// `message_position`: of the answer in the conversation; the call's id depends on it.
    ForcedCall(const ChatRequest& request, const Target& target, std::uint32_t choice,
               std::size_t message_position);

    /// Reads `in` in order, appends to `out`.
    void apply(Events in, Events& out);

private:
    bool take(Finished& finished, Events& out);
    void fail(std::string_view why, Events& out);

    std::vector<std::string> allowed_;
    std::string engine_;
    std::uint32_t choice_;
    std::size_t message_position_;
    bool mistral_ids_;
    std::string text_;
    Events logprobs_;  // of text that may not come
    bool called_ = false;
    bool over_ = false;
};

}  // namespace segue::llm::ollama
