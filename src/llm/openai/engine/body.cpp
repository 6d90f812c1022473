#include "llm/openai/engine/body.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "llm/ollama/front/options.hpp"

namespace segue::llm::openai_engine {
namespace {

constexpr std::array<std::string_view, 51> kEngineFields{
    "add_generation_prompt",
    "add_special_tokens",
    "allowed_token_ids",
    "bad_words",
    "best_of",
    "cache_salt",
    "chat_template",
    "chat_template_kwargs",
    "continue_final_message",
    "detokenize",
    "documents",
    "guided_choice",
    "guided_decoding_backend",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "guided_whitespace_pattern",
    "ignore_eos",
    "include_reasoning",
    "include_stop_str_in_output",
    "kv_transfer_params",
    "length_penalty",
    "logit_bias",
    "logprob_token_ids",
    "max_completion_tokens",
    "max_tokens",
    "media_io_kwargs",
    "min_tokens",
    "mm_processor_kwargs",
    "parallel_tool_calls",
    "prediction",
    "priority",
    "prompt_logprobs",
    "reasoning_effort",
    "repetition_detection",
    "repetition_penalty",
    "request_id",
    "return_token_ids",
    "return_tokens_as_token_ids",
    "session_id",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "stop_token_ids",
    "stream_interval",
    "structured_outputs",
    "thinking_token_budget",
    "tool_choice",
    "truncate_prompt_tokens",
    "truncation_side",
    "use_beam_search",
    "vllm_xargs",
};
static_assert(std::is_sorted(kEngineFields.begin(), kEngineFields.end()));

const Extra* find_extra(const std::vector<Extra>& extras, std::string_view name) {
    const auto found = std::find_if(extras.begin(), extras.end(),
                                    [&](const Extra& extra) { return extra.name == name; });
    return found == extras.end() ? nullptr : &*found;
}

bool is_neutral(const OptionFact& fact, std::string_view text) {
    json::Parser parser;
    const auto value = parser.parse(text);
    return value && segue::llm::is_neutral(fact, *value);
}

std::optional<std::int64_t> as_integer(std::string_view text) {
    json::Parser parser;
    const auto value = parser.parse(text);
    return value ? value->integer() : std::nullopt;
}

}  // namespace

bool is_engine_field(std::string_view name) {
    return std::binary_search(kEngineFields.begin(), kEngineFields.end(), name);
}

std::vector<std::string> stops_for_segue(const Sampling& sampling) {
    std::vector<std::string> rest;
    if (!sampling.stop) return rest;
    std::size_t seen = 0;
    for (const std::string& stop : *sampling.stop) {
        if (!stop.empty() && seen++ >= kMaxEngineStops) rest.push_back(stop);
    }
    return rest;
}

Delivery delivery_for(std::int64_t choices, const std::vector<Extra>& extras,
                      const Profile& profile) {
    const bool whole = choices > 1 || !profile.upstream_stream ||
                       find_extra(extras, "best_of") != nullptr ||
                       find_extra(extras, "prompt_logprobs") != nullptr;
    return whole ? Delivery::kWhole : Delivery::kStream;
}

Body::Body(const Target& target, Declarations& declared)
    : target_(target), declared_(declared), writer_(out_) {
    writer_.begin_object();
    writer_.member("model", target.served_model);
    written_.emplace_back("model");
}

bool Body::wants(std::string_view name, Loss loss) {
    if (std::find(written_.begin(), written_.end(), name) != written_.end()) return false;
    if (target_.traits->refuses(name)) {
        declared_.ignore(name, loss);
        return false;
    }
    written_.emplace_back(name);
    return true;
}

void Body::begin(Delivery delivery) {
    if (delivery == Delivery::kWhole) {
        writer_.member("stream", false);
        return;
    }
    writer_.member("stream", true);
    // Without mention where it was refused: the counts are then our own estimate.
    if (!target_.traits->refuses("stream_options"))
        writer_.member_raw("stream_options", R"({"include_usage":true})");
}

void Body::clamped(std::string_view name, double value, double least, double most) {
    const double sent = std::clamp(value, least, most);
    if (!wants(name, Loss::kSemantic)) return;
    writer_.member(name, sent);
    if (sent != value) declared_.adjust(name);
}

void Body::limit(const Sampling& sampling, std::optional<std::int64_t> max_tokens,
                 std::optional<std::int64_t> fallback) {
    std::optional<std::int64_t> limit = fallback;
    if (sampling.max_tokens && *sampling.max_tokens >= 0)
        limit = std::max<std::int64_t>(*sampling.max_tokens, 1);
    if (!limit) return;
    // More than the context is a 400 there; prompt + max_tokens is clamped by the engine.
    if (target_.max_model_len && *target_.max_model_len > 1)
        limit = std::min(*limit, *target_.max_model_len - 1);
    if (max_tokens) limit = std::min(*limit, *max_tokens);
    if (wants("max_tokens", Loss::kSemantic)) writer_.member("max_tokens", *limit);
}

void Body::sampling(const Sampling& sampling, std::optional<std::int64_t> max_tokens,
                    std::optional<std::int64_t> fallback) {
    limit(sampling, max_tokens, fallback);
    if (sampling.temperature) clamped("temperature", *sampling.temperature, 0, 2);
    if (sampling.top_p && wants("top_p", Loss::kSemantic)) {
        // 0 is not allowed there; the smallest useful value takes the likeliest token, as 0 does in
        // Ollama.
        const double top_p = *sampling.top_p <= 0 ? 1e-6 : std::min(*sampling.top_p, 1.0);
        writer_.member("top_p", top_p);
        if (top_p != *sampling.top_p) declared_.adjust("top_p");
    }
    if (sampling.top_k && wants("top_k", Loss::kSemantic))
        writer_.member("top_k", std::max<std::int64_t>(*sampling.top_k, 0));
    if (sampling.min_p && *sampling.min_p != 0) clamped("min_p", *sampling.min_p, 0, 1);
    if (sampling.seed && *sampling.seed >= 0 && wants("seed", Loss::kSemantic))
        writer_.member("seed", *sampling.seed);
    if (sampling.presence_penalty && *sampling.presence_penalty != 0)
        clamped("presence_penalty", *sampling.presence_penalty, -2, 2);
    if (sampling.frequency_penalty && *sampling.frequency_penalty != 0)
        clamped("frequency_penalty", *sampling.frequency_penalty, -2, 2);
    if (sampling.repeat_penalty && *sampling.repeat_penalty != 1) {
        if (*sampling.repeat_penalty <= 0) {
            declared_.ignore("repeat_penalty", Loss::kSemantic);
        } else if (wants("repetition_penalty", Loss::kSemantic)) {
            writer_.member("repetition_penalty", *sampling.repeat_penalty);
        }
    }
    if (!sampling.stop) return;
    std::vector<std::string_view> stops;
    for (const std::string& stop : *sampling.stop) {
        if (!stop.empty()) stops.push_back(stop);
    }
    if (stops.empty() || !wants("stop", Loss::kSemantic)) return;
    if (stops.size() > kMaxEngineStops) {
        stops.resize(kMaxEngineStops);
        declared_.adjust("stop");
    }
    writer_.key("stop").begin_array();
    for (const std::string_view stop : stops)
        writer_.string(stop);
    writer_.end_array();
}

void Body::format(const ResponseFormat& format) {
    const bool schema = format.kind == ResponseFormat::Kind::kJsonSchema;
    if (format.kind == ResponseFormat::Kind::kNone) return;
    if (schema && target_.traits->guided_json) {
        // Early engines refuse json_schema but know this name (wire 5.1).
        if (wants("guided_json", Loss::kSemantic)) writer_.member_raw("guided_json", format.schema);
        return;
    }
    if (!wants("response_format", Loss::kSemantic)) return;
    writer_.key("response_format").begin_object();
    if (schema) {
        writer_.member("type", "json_schema").key("json_schema").begin_object();
        writer_.member("name", format.name.empty() ? std::string_view("response") : format.name);
        writer_.member_raw("schema", format.schema).end_object();
    } else {
        writer_.member("type", "json_object");
    }
    writer_.end_object();
}

void Body::thinking(const ThinkingFields& fields, const std::vector<Extra>& extras) {
    using Switch = ThinkingFields::Switch;
    const EngineTraits& traits = *target_.traits;
    if (fields.adjusted) declared_.adjust("think");
    if (fields.template_switch != Switch::kNone && !traits.refuses("chat_template_kwargs")) {
        written_.emplace_back("chat_template_kwargs");
        const bool on = fields.template_switch == Switch::kOn;
        writer_.key("chat_template_kwargs").begin_object();
        // What the client says itself, through vLLM's own name, counts more.
        json::Parser parser;
        const Extra* own = find_extra(extras, "chat_template_kwargs");
        const auto given = parser.parse(own != nullptr ? own->json : std::string("{}"));
        for (const std::string_view name : {"enable_thinking", "thinking"}) {
            if (!given || !(*given)[name]) writer_.member(name, on);
        }
        if (given) {
            for (const json::Value member : *given)
                writer_.member_raw(member.key(), member.raw());
        }
        writer_.end_object();
    }
    if (!fields.effort.empty() && wants("reasoning_effort", Loss::kSemantic))
        writer_.member("reasoning_effort", fields.effort);
    if (fields.leave_out_reasoning && wants("include_reasoning", Loss::kHint))
        writer_.member("include_reasoning", false);
    if (fields.budget_tokens && wants("thinking_token_budget", Loss::kSemantic))
        writer_.member("thinking_token_budget", *fields.budget_tokens);
}

void Body::extras(const std::vector<Extra>& extras, bool context_is_used) {
    for (const Extra& extra : extras) {
        const OptionFact* fact = find_option(extra.name);
        if (fact == nullptr) {
            if (is_engine_field(extra.name) && wants(extra.name, Loss::kSemantic))
                writer_.member_raw(extra.name, extra.json);
            continue;
        }
        if (is_neutral(*fact, extra.json)) continue;
        if (extra.name == "context" && context_is_used) continue;
        switch (fact->kind) {
            case OptionKind::kSampling: break;
            case OptionKind::kContextLength: {
                const auto wanted = as_integer(extra.json);
                const bool larger =
                    wanted && target_.max_model_len && *wanted > *target_.max_model_len;
                declared_.ignore(extra.name, larger ? Loss::kSemantic : Loss::kHint);
                break;
            }
            case OptionKind::kHint: declared_.ignore(extra.name, Loss::kHint); break;
            case OptionKind::kSemantic: declared_.ignore(extra.name, Loss::kSemantic); break;
        }
    }
}

std::string Body::finish() {
    writer_.end_object();
    return std::move(out_);
}

}  // namespace segue::llm::openai_engine
