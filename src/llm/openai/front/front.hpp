/// OpenAI's API as clients speak it: reads a request once, and bridges it to an engine: relayed to
/// an engine of the same dialect, translated for Ollama (wire 3.11, 3.12).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "llm/bridge.hpp"

namespace segue::llm {

enum class OpenAiEndpoint : std::uint8_t {
    kChat,         // /v1/chat/completions
    kCompletions,  // /v1/completions
    kEmbeddings,   // /v1/embeddings
    kPassThrough,  // tokenize, rerank, score …: JSON that only an engine of this dialect
                   // understands
};

/// `path` is the one that the client asked for. The body must be one JSON object, and model and
/// stream, where given, must have their types; everything else is looked at when it must be
/// translated. Failures are to be rendered in OpenAI's shape.
Outcome<std::unique_ptr<FrontRequest>> decode_openai_request(OpenAiEndpoint endpoint,
                                                             std::string_view path,
                                                             std::string body);

}  // namespace segue::llm
