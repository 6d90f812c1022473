/// The Ollama front: a body of /api/chat, /api/generate, /api/embed or /api/embeddings becomes a
/// FrontRequest, which makes the bridge to whatever target the gateway chose (wire 1, 3.1-3.9).
#pragma once

#include <memory>
#include <string_view>

#include "llm/bridge.hpp"
#include "llm/ollama/front/endpoint.hpp"

namespace segue::llm {

/// A failure carries Ollama's status and text. Unknown models are the gateway's to refuse; what
/// Ollama checks after that (options, format, capabilities) is refused by the request's bridge().
Outcome<std::unique_ptr<FrontRequest>> decode_ollama_request(OllamaEndpoint endpoint,
                                                             std::string_view body);

}  // namespace segue::llm
