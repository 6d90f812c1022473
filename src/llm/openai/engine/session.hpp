/// What an engine of the OpenAI dialect (vLLM first of all) is asked and what its answers mean:
/// canonical requests -> /v1/chat/completions, /v1/completions, /v1/embeddings, /tokenize; SSE or
/// one JSON object -> canonical events (wire 2, 3.1 to 3.4, 3.6, 3.7, 3.14, 5.1).
///
/// One session serves one attempt on one worker. Before the first byte it may ask again: a request
/// repaired after a 400 (what was learned is kept in the target's traits), a shorter prompt.
#pragma once

#include <memory>

#include "llm/bridge.hpp"
#include "llm/chat.hpp"
#include "llm/session.hpp"

namespace segue::llm {

/// request.truncate: absent or true = a prompt that is too long is cut (Ollama's meaning); false =
/// an error (the other fronts). `think` that the model cannot do is a failure here: fronts that
/// mean it as a wish ask can_think() first (thinking.hpp).
std::unique_ptr<EngineSession> make_openai_chat_session(ChatRequest request,
                                                        const BridgeContext& context);

std::unique_ptr<EngineSession> make_openai_completion_session(CompletionRequest request,
                                                              const BridgeContext& context);

/// One call; its answer is one Vectors event, in input order.
std::unique_ptr<EngineSession> make_openai_embed_session(EmbedRequest request,
                                                         const BridgeContext& context);

/// Counts the prompt's tokens with /tokenize: Usage.prompt_tokens, then Ended. An engine without
/// that route: characters / 4, declared as adjusted "input_tokens" (wire 3.13).
std::unique_ptr<EngineSession> make_openai_count_session(ChatRequest request,
                                                         const BridgeContext& context);

}  // namespace segue::llm
