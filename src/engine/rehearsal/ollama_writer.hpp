/// Ollama's answers: NDJSON and single objects of /api/chat and /api/generate (wire 1.5, 1.6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/rehearsal/ollama_request.hpp"
#include "engine/rehearsal/writer.hpp"

namespace segue::engine::rehearsal {

/// Go's encoder writes < > & as escapes; inside JSON they only stand in strings.
std::string go_escaped(std::string json);
/// {"error":"…"}
std::string ollama_error(std::string_view message);

std::unique_ptr<AnswerWriter> make_ollama_writer(EngineState& state, const OllamaCall& call,
                                                 Answer answer);
/// The single object of a load or unload.
std::string write_load_answer(EngineState& state, const OllamaCall& call);
/// The logprobs array of one piece, shared with the /v1 wires: `[{"token":…}]` without brackets.
void write_logprob(const Piece& piece, std::int64_t top, json::Writer& w);

}  // namespace segue::engine::rehearsal
