/// The routes of Ollama's wire, one function each; ollama_wire.cpp holds the table. Internal to the
/// rehearsal engine.
#pragma once

#include "engine/rehearsal/exchange.hpp"
#include "engine/rehearsal/ollama_request.hpp"

namespace segue::engine::rehearsal {

inline constexpr std::string_view kOllamaJson = "application/json; charset=utf-8";
inline constexpr std::string_view kPlainJson = "application/json";

void send_ollama_error(Exchange& exchange, int status, std::string_view message);

// ollama_lists.cpp
void ollama_tags(Exchange& exchange);
void ollama_ps(Exchange& exchange);
void ollama_show(Exchange& exchange);
// ollama_manage.cpp
void ollama_pull(Exchange& exchange);
void ollama_push(Exchange& exchange);
void ollama_create(Exchange& exchange);
void ollama_copy(Exchange& exchange);
void ollama_delete(Exchange& exchange);
void ollama_blob(Exchange& exchange);
// ollama_openai.cpp
void ollama_v1_chat(Exchange& exchange);
void ollama_v1_completions(Exchange& exchange);
void ollama_v1_embeddings(Exchange& exchange);
void ollama_v1_models(Exchange& exchange);

/// The model stays in memory from now on, as the request wants it.
void keep_loaded(EngineState& state, const OllamaCall& call);
/// The answer, with the prompt cut to the context as Ollama cuts it; a refusal when it may not be
/// cut.
OllamaOutcome<Answer> answer_ollama(EngineState& state, const OllamaCall& call);

}  // namespace segue::engine::rehearsal
