/// What Segue knows about a model beyond what its engine tells: from segue.yaml, from a baseline's
/// /api/show, from an alias.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llm/chat.hpp"

namespace segue::llm {

/// How a model's thinking is switched on the OpenAI side (wire.md 3.4).
enum class ThinkingStyle : std::uint8_t {
    kAuto,  // kTemplate when the engine was seen to have a reasoning parser or the capabilities say
            // thinking, else kNo
    kTemplate,  // chat_template_kwargs
    kEffort,    // reasoning_effort (gpt-oss)
    kMistral,   // reasoning_effort, never chat_template_kwargs
    kAlways,    // cannot be switched off (DeepSeek-R1, QwQ)
    kNo,
};
enum class SamplingDefaults : std::uint8_t { kOllama, kEngine };
enum class Overflow : std::uint8_t { kFrontDefault, kCut, kError };

struct Profile {
    ThinkingStyle thinking = ThinkingStyle::kAuto;
    bool split_reasoning =
        true;  // reasoning_split: find <think> in content when the engine does not
    bool template_opens_think =
        false;  // content begins inside thinking, only the closing tag comes
    std::string think_open = "<think>";
    std::string think_close = "</think>";
    bool strip_old_thinking = true;  // remove <think>…</think> from earlier assistant content
    SamplingDefaults sampling_defaults = SamplingDefaults::kOllama;
    Overflow overflow = Overflow::kFrontDefault;
    bool exact_context = false;  // context: exact
    bool upstream_stream = true;
    bool mistral_ids = false;      // tool call ids of exactly 9 letters or digits
    bool join_neighbours = false;  // template demands alternating roles
    bool fold_system = false;      // template has no system role
    bool sleep_on_unload = false;
    std::string fim_template;  // fill-in-the-middle pattern with {prefix} and {suffix}; "" = none

    Sampling parameters;  // the Modelfile's PARAMETERs
    std::vector<Extra> parameter_extras;
    std::string system;
    std::vector<Message> messages;
    std::string template_text;
    std::string license;
    std::optional<std::vector<std::string>> capabilities;  // absent: from probes

    std::string family;
    std::string parameter_size;  // "8.0B"
    std::string quantization;    // "Q4_K_M", "AWQ"
    std::string architecture;
    std::optional<std::int64_t> parameter_count;
    std::optional<std::int64_t> size_bytes;
    std::optional<std::int64_t> context_length;
    std::optional<std::int64_t> embedding_length;
};

}  // namespace segue::llm
