/// Ollama's request options (wire 1.7) and what becomes of each on an OpenAI-style engine
/// (wire 3.1). A table of facts; the front checks types with it, the engine's session declares
/// losses with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "llm/chat.hpp"
#include "llm/failure.hpp"

namespace segue::llm {

enum class OptionType : std::uint8_t {
    kInteger,
    kFloat,
    kBoolean,
    kStrings,
    kUnchecked,  // removed from Ollama: not looked at there
};

enum class OptionKind : std::uint8_t {
    kSampling,       // a member of Sampling that the engine can be told
    kContextLength,  // num_ctx: a hint up to the engine's max_model_len, a semantic loss above
    kHint,           // speed or memory: left out, Segue-Ignored
    kSemantic,  // may change the answer: left out, Segue-Ignored, a 400 under `translation: strict`
};

struct OptionFact {
    std::string_view name;
    OptionType type;
    OptionKind kind;
    /// The value (booleans: 0 and 1) that means nothing to the engine: dropped without mention.
    std::optional<double> neutral = {};
};

inline constexpr std::array kOptionFacts{
    OptionFact{"num_keep", OptionType::kInteger, OptionKind::kSemantic},
    OptionFact{"seed", OptionType::kInteger, OptionKind::kSampling},
    OptionFact{"num_predict", OptionType::kInteger, OptionKind::kSampling},
    OptionFact{"top_k", OptionType::kInteger, OptionKind::kSampling},
    OptionFact{"top_p", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"min_p", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"typical_p", OptionType::kFloat, OptionKind::kSemantic, 1.0},
    // -1 is "the whole context", which is what vLLM's penalty looks at.
    OptionFact{"repeat_last_n", OptionType::kInteger, OptionKind::kSemantic, -1.0},
    OptionFact{"temperature", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"repeat_penalty", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"presence_penalty", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"frequency_penalty", OptionType::kFloat, OptionKind::kSampling},
    OptionFact{"stop", OptionType::kStrings, OptionKind::kSampling},
    OptionFact{"num_ctx", OptionType::kInteger, OptionKind::kContextLength, 0.0},
    OptionFact{"num_batch", OptionType::kInteger, OptionKind::kHint},
    OptionFact{"num_gpu", OptionType::kInteger, OptionKind::kHint},
    OptionFact{"main_gpu", OptionType::kInteger, OptionKind::kHint},
    OptionFact{"num_thread", OptionType::kInteger, OptionKind::kHint},
    OptionFact{"use_mmap", OptionType::kBoolean, OptionKind::kHint},
    OptionFact{"draft_num_predict", OptionType::kInteger, OptionKind::kHint},
    // Removed from Ollama, still sent by clients (LangChain, old SDKs).
    OptionFact{"mirostat", OptionType::kUnchecked, OptionKind::kSemantic, 0.0},
    OptionFact{"mirostat_tau", OptionType::kUnchecked, OptionKind::kSemantic},
    OptionFact{"mirostat_eta", OptionType::kUnchecked, OptionKind::kSemantic},
    OptionFact{"tfs_z", OptionType::kUnchecked, OptionKind::kSemantic, 1.0},
    OptionFact{"penalize_newline", OptionType::kUnchecked, OptionKind::kSemantic, 1.0},
    OptionFact{"numa", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"low_vram", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"f16_kv", OptionType::kUnchecked, OptionKind::kHint, 1.0},
    OptionFact{"logits_all", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"vocab_only", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"use_mlock", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"embedding_only", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    // Fields beside `options` that the engine has no word for either; the front lists them among
    // the extras.
    OptionFact{"shift", OptionType::kUnchecked, OptionKind::kHint, 0.0},
    OptionFact{"context", OptionType::kUnchecked, OptionKind::kSemantic},
};
static_assert(kOptionFacts.size() == 34,
              "update wire 3.1's table in the documentation when this table changes");

/// Exact name, as in Go's map; nothing for an option that Ollama never had.
const OptionFact* find_option(std::string_view name);

/// Reads the `options` object into `sampling` and `extras` (in request order). Options that
/// Sampling has a member for but no engine of the other kind a word (typical_p, repeat_last_n,
/// num_ctx) are in both. The failure is Ollama's 500.
std::optional<Failure> read_options(json::Value options, Sampling& sampling,
                                    std::vector<Extra>& extras);

/// True when `value` is what find_option(name)->neutral says.
bool is_neutral(const OptionFact& fact, json::Value value);

}  // namespace segue::llm
