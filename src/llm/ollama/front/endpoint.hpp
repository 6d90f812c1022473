/// The routes of Ollama's API that reach a model.
#pragma once

#include <cstdint>
#include <string_view>

namespace segue::llm {

enum class OllamaEndpoint : std::uint8_t { kChat, kGenerate, kEmbed, kEmbeddings };

constexpr std::string_view ollama_path(OllamaEndpoint endpoint) {
    switch (endpoint) {
        case OllamaEndpoint::kChat: return "/api/chat";
        case OllamaEndpoint::kGenerate: return "/api/generate";
        case OllamaEndpoint::kEmbed: return "/api/embed";
        case OllamaEndpoint::kEmbeddings: return "/api/embeddings";
    }
    return "";
}

}  // namespace segue::llm
