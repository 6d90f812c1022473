/// What an Ollama engine is asked and what its answers mean: canonical requests -> native
/// /api/chat, /api/generate (raw) and /api/embed; NDJSON -> canonical events (wire 1.5
/// to 1.9, 3.12, 5.3). Native, because Ollama's own /v1 ignores num_ctx, keep_alive and
/// max_completion_tokens.
///
/// One session serves one attempt on one worker. It may ask the engine several times (n > 1,
/// several prompts); the calls are told apart by choice.
#pragma once

#include <memory>

#include "llm/bridge.hpp"
#include "llm/chat.hpp"
#include "llm/session.hpp"

namespace segue::llm {

std::unique_ptr<EngineSession> make_ollama_chat_session(ChatRequest request,
                                                        const BridgeContext& context);

/// Choice numbers: prompt p, copy c of `choices` -> p * choices + c, as vLLM numbers them.
std::unique_ptr<EngineSession> make_ollama_completion_session(CompletionRequest request,
                                                              const BridgeContext& context);

/// One call; its answer is one Vectors event.
std::unique_ptr<EngineSession> make_ollama_embed_session(EmbedRequest request,
                                                         const BridgeContext& context);

}  // namespace segue::llm
