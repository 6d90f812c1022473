/// Canonical events as Ollama's chat and generate answers, as a stream of lines or as one object
/// (wire 3.5, 3.6). Key order is that of Ollama's recordings. Lives for one attempt on one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "llm/session.hpp"

namespace segue::llm {

struct OllamaEncoding {
    enum class Shape : std::uint8_t { kChat, kGenerate } shape = Shape::kChat;
    enum class Delivery : std::uint8_t { kSingle, kStream } delivery = Delivery::kStream;
    std::string model;  // the client's string
    /// Generate with `context: exact`: the token ids of prompt and answer go into the last object.
    enum class Context : std::uint8_t { kLeftOut, kGiven } context = Context::kLeftOut;
};
std::unique_ptr<ResponseEncoder> make_ollama_encoder(OllamaEncoding encoding);

struct OllamaEmbedEncoding {
    enum class Shape : std::uint8_t { kEmbed, kEmbeddings } shape = Shape::kEmbed;
    std::string model;
    std::optional<std::int64_t> dimensions;
};
/// Vectors are cut to `dimensions` and L2-normalised; the three counts of an embed answer are
/// always there, at least 1, because ollama-ai-provider-v2's schema wants them (wire 3.14, 4.4).
std::unique_ptr<ResponseEncoder> make_ollama_embed_encoder(OllamaEmbedEncoding encoding);

/// The object that answers the load and unload forms (wire 1.8). `load` > 0 tells how long waking
/// the engine took.
std::string ollama_load_object(OllamaEncoding::Shape shape, std::string_view model, WallTime now,
                               FinishReason reason, Duration load);
/// What an empty input gets without asking the engine (wire 1.9).
std::string ollama_empty_embedding(OllamaEmbedEncoding::Shape shape, std::string_view model);

inline constexpr std::string_view kOllamaJson = "application/json; charset=utf-8";
inline constexpr std::string_view kOllamaNdjson = "application/x-ndjson";

}  // namespace segue::llm
