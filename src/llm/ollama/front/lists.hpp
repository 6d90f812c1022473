/// Ollama's lists of models: /api/tags, /api/ps, /api/show (wire 1.10) and how a model of another
/// engine looks in them (wire 3.8). Pure functions over ModelCard; the gateway keeps the cards.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "llm/profile.hpp"

namespace segue::llm {

/// One model as Ollama's clients see it.
struct ModelCard {
    std::string name;         // with its tag: "llama3.1:8b"
    std::string modified_at;  // RFC 3339
    std::string digest;       // 64 hex digits, no prefix: the CLI cuts 12 of them
    std::int64_t size = 1;
    std::int64_t size_vram = 1;  // equal to size: the CLI prints "100% GPU"

    std::string parent_model;
    std::string format = "safetensors";
    std::string family;
    std::vector<std::string> families;
    std::string parameter_size;
    std::string quantization;
    std::optional<std::int64_t> context_length;
    std::optional<std::int64_t> embedding_length;
    std::vector<std::string> capabilities;

    std::string architecture;  // "" = "unknown"
    std::optional<std::int64_t> parameter_count;
    std::string parameters;  // lines as /api/show has them
    std::string template_text;
    std::string system;
    std::string license;
    std::vector<Message> messages;

    /// An Ollama engine's own JSON objects with the names replaced; when set, they are what is
    /// shown.
    std::string raw_tags_entry;
    std::string raw_ps_entry;
    std::string raw_show;
};

/// What is known of a model of an OpenAI-style engine.
struct ServedModel {
    std::string client_name;  // any form that canonical_model_name() accepts
    std::string served_name;
    std::string root;  // vLLM's `root`: path or repository
    std::optional<std::int64_t> max_model_len;
    std::vector<std::string> capabilities;  // from probes; the profile's count before them
    WallTime first_seen{};  // when Segue first saw this target, not vLLM's `created`, which is now
};
ModelCard make_vllm_card(const ServedModel& model, const Profile& profile);

/// SHA-256 hex of served name, root and length: stable over restarts and replicas.
std::string model_digest(std::string_view served_name, std::string_view root,
                         std::optional<std::int64_t> max_model_len);

/// {"models":[…]}, newest first.
std::string render_tags(std::span<const ModelCard> cards);
/// {"models":[…]}: what is loaded now. Other engines' models never expire: in 100 years.
std::string render_ps(std::span<const ModelCard> cards, WallTime now);
/// `base_name`: what general.basename says; "" = the card's name.
std::string render_show(const ModelCard& card, std::string_view base_name = "");
/// {"version":"0.33.0"}: three plain numbers.
std::string render_version(std::string_view version);

/// A line as /api/show's `parameters` has them: the name padded to 30 columns, strings quoted.
std::string parameter_line(std::string_view name, std::string_view value);

}  // namespace segue::llm
