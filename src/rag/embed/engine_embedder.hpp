/// Embedding by an engine's model (/v1/embeddings, or an Ollama's /api/embed), instead of the model
/// inside the process.
///
/// A refusal because the engine is busy, restarting or gone is tried again a few times, later each
/// time; a person's question is tried once and quickly, for keywords answer without it. A text that
/// the engine does not take is shortened until it does.
///
/// Thread: any; blocks, until `stop` is asked for.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "llm/chat.hpp"
#include "net/client.hpp"
#include "rag/embed/embedder.hpp"

namespace segue::rag {

struct EngineEmbedding {
    std::string engine;  // its name: vectors of another engine are others
    net::Origin origin;
    llm::Dialect dialect = llm::Dialect::kOpenAi;
    std::string api_key;
    std::shared_ptr<const net::TlsOptions> tls;
    std::string model;
    std::string name;  // of its vectors in the store; "" = made of engine and model
    std::string question_prefix;
    std::string passage_prefix;
    std::size_t batch = 32;
    std::chrono::milliseconds first_wait{500};  // each further one is twice as long
    int tries = 4;                              // of a batch of passages
    std::chrono::milliseconds patience{60'000};
    std::chrono::milliseconds question_patience{3'000};
    std::stop_token stop = {};
};

/// Asks the engine once, to know how long its vectors are, unless `dimensions` says so.
Result<std::unique_ptr<Embedder>> open_engine_embedder(
    EngineEmbedding options, std::optional<std::size_t> dimensions = std::nullopt);

}  // namespace segue::rag
