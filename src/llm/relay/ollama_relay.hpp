/// Ollama client, Ollama engine: bytes go through; `model` says what the client said, and U+0085 is
/// escaped, because Python clients split lines there (wire 4.2).
#pragma once

#include <memory>
#include <string>

#include "llm/bridge.hpp"

namespace segue::llm {

struct OllamaRelayRequest {
    std::string method = "POST";
    std::string path;  // "/api/chat"
    std::string
        body;  // as the client sent it; its `model` (or `name`) becomes the target's served name
    bool stream = false;
    std::string content_type = "application/json";
};

/// For calls that name models themselves (create, copy, pull under another name) leave
/// target.served_model empty: then the body goes as it is and no name is replaced.
std::unique_ptr<Bridge> make_ollama_relay(BridgeContext context, OllamaRelayRequest request);
std::unique_ptr<Bridge> make_ollama_relay(BridgeContext context, std::string path, std::string body,
                                          bool stream);

}  // namespace segue::llm
