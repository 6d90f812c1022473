/// A body of Ollama's generating and embedding routes, read as Go's decoder reads it
/// (wire 1.1, 1.3, 1.5, 1.6, 1.9): the same bodies are refused with the same texts. Sans-IO; what
/// needs the target (profile, capabilities) is front.cpp's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/chat.hpp"
#include "llm/failure.hpp"
#include "llm/ollama/front/endpoint.hpp"

namespace segue::llm {

struct OllamaRequest {
    OllamaEndpoint endpoint = OllamaEndpoint::kChat;
    std::string model;  // as written
    bool stream = true;
    /// Neither messages nor a prompt: loads the model, or unloads it when keep_alive is 0
    /// (wire 1.8).
    enum class Purpose : std::uint8_t { kAnswer, kLoad, kUnload } purpose = Purpose::kAnswer;
    std::string body;  // the first JSON value of what came, readable by strict readers: for relays

    /// chat; and generate without raw, template and suffix. `messages` of generate: system (when
    /// given) and user.
    ChatRequest chat;
    bool debug_render_only = false;

    // generate
    std::string prompt;
    std::string suffix;
    std::string system;
    std::string template_text;
    bool raw = false;
    std::vector<std::int64_t> context;
    std::vector<Part> images;

    EmbedRequest embed;

    /// What Ollama finds wrong only after it has found the model (options, format, raw): an unknown
    /// model is told first.
    std::optional<Failure> late_failure;
};

Outcome<OllamaRequest> read_ollama_request(OllamaEndpoint endpoint, std::string_view body);

}  // namespace segue::llm
