/// What a rehearsal engine is started with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/rehearsal/answer.hpp"
#include "engine/rehearsal/faults.hpp"
#include "engine/rehearsal/timing.hpp"
#include "llm/chat.hpp"

namespace segue::engine {

struct RehearsalOptions {
    /// kOllama: Ollama's wire; kOpenAi: vLLM's.
    llm::Dialect dialect = llm::Dialect::kOllama;
    std::string name = "rehearsal";
    std::vector<std::string> models = {"rehearsal"};
    rehearsal::Skill skill = rehearsal::Skill::kPassages;
    rehearsal::TimingProfile timing = {};
    rehearsal::FaultSet faults = {};
    std::uint64_t seed = 1;
    /// vLLM's --api-key; empty: none is asked for.
    std::vector<std::string> api_keys = {};
    std::int64_t max_model_len = 8192;
    std::size_t embedding_length = 384;
    bool generates = true;
    bool embeds = true;
    bool thinks = true;
    bool calls_tools = true;
    /// vLLM: the template starts without thinking while the reasoning parser expects it, so that an
    /// answer without the switch comes out as reasoning (wire 2.3, "parser trap"; recording
    /// "err_missing_model").
    bool parser_trap = false;
    /// vLLM's VLLM_SERVER_DEV_MODE: sleep and wake up.
    bool development_routes = false;
    /// Requests kept for GET /rehearsal/requests.
    std::size_t kept_requests = 256;
};

/// The model of the recordings: the script, no latency, 1024 tokens of context, no embeddings,
/// parser trap.
RehearsalOptions tiny_rehearsal(llm::Dialect dialect);

}  // namespace segue::engine
