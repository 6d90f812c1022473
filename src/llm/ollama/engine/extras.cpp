#include "llm/ollama/engine/extras.hpp"

#include <array>

namespace segue::llm::ollama {
namespace {

struct Entry {
    std::string_view name;
    ExtraFate fate;
    std::string_view neutral =
        "";  // exact JSON of the value that changes nothing, besides null, {}, [], "", 0 and false
};

// Options that Ollama removed from 0.7.0 on are sent all the same: older engines honour them, newer
// ones ignore them (wire 5.3).
constexpr std::array kEntries{
    Entry{"num_ctx", ExtraFate::kOption},  // embeddings; elsewhere it is a member of Sampling
    Entry{"num_keep", ExtraFate::kOption},
    Entry{"num_batch", ExtraFate::kOption},
    Entry{"num_gpu", ExtraFate::kOption},
    Entry{"main_gpu", ExtraFate::kOption},
    Entry{"num_thread", ExtraFate::kOption},
    Entry{"use_mmap", ExtraFate::kOption},
    Entry{"use_mlock", ExtraFate::kOption},
    Entry{"draft_num_predict", ExtraFate::kOption},
    Entry{"mirostat", ExtraFate::kOption},
    Entry{"mirostat_tau", ExtraFate::kOption},
    Entry{"mirostat_eta", ExtraFate::kOption},
    Entry{"tfs_z", ExtraFate::kOption},
    Entry{"penalize_newline", ExtraFate::kOption},
    Entry{"numa", ExtraFate::kOption},
    Entry{"low_vram", ExtraFate::kOption},
    Entry{"f16_kv", ExtraFate::kOption},
    Entry{"logits_all", ExtraFate::kOption},
    Entry{"vocab_only", ExtraFate::kOption},
    Entry{"embedding_only", ExtraFate::kOption},
    Entry{"shift", ExtraFate::kTopLevel},
    Entry{"logit_bias", ExtraFate::kSemantic},
    Entry{"best_of", ExtraFate::kSemantic, "1"},
    Entry{"use_beam_search", ExtraFate::kSemantic},
    Entry{"length_penalty", ExtraFate::kSemantic, "1"},
    Entry{"stop_token_ids", ExtraFate::kSemantic},
    Entry{"include_stop_str_in_output", ExtraFate::kSemantic},
    Entry{"ignore_eos", ExtraFate::kSemantic},
    Entry{"min_tokens", ExtraFate::kSemantic},
    Entry{"skip_special_tokens", ExtraFate::kSemantic, "true"},
    Entry{"spaces_between_special_tokens", ExtraFate::kHint, "true"},
    Entry{"truncate_prompt_tokens", ExtraFate::kSemantic, "-1"},
    Entry{"truncation_side", ExtraFate::kSemantic},
    Entry{"prompt_logprobs", ExtraFate::kSemantic},
    Entry{"allowed_token_ids", ExtraFate::kSemantic},
    Entry{"bad_words", ExtraFate::kSemantic},
    Entry{"echo", ExtraFate::kSemantic},
    Entry{"add_generation_prompt", ExtraFate::kSemantic, "true"},
    Entry{"continue_final_message", ExtraFate::kSemantic},
    Entry{"add_special_tokens", ExtraFate::kSemantic},
    Entry{"documents", ExtraFate::kSemantic},
    Entry{"chat_template", ExtraFate::kSemantic},
    Entry{"chat_template_kwargs", ExtraFate::kSemantic},
    Entry{"structured_outputs", ExtraFate::kSemantic},
    Entry{"guided_json", ExtraFate::kSemantic},
    Entry{"guided_regex", ExtraFate::kSemantic},
    Entry{"guided_choice", ExtraFate::kSemantic},
    Entry{"guided_grammar", ExtraFate::kSemantic},
    Entry{"logits_processors", ExtraFate::kSemantic},
    Entry{"include_reasoning", ExtraFate::kSemantic, "true"},
    Entry{"thinking_token_budget", ExtraFate::kSemantic},
    Entry{"return_token_ids", ExtraFate::kSemantic},
    Entry{"repetition_detection", ExtraFate::kSemantic},
    Entry{"modalities", ExtraFate::kSemantic, R"(["text"])"},
    Entry{"audio", ExtraFate::kSemantic},
    Entry{"web_search_options", ExtraFate::kSemantic},
    Entry{"functions", ExtraFate::kSemantic},
    Entry{"function_call", ExtraFate::kSemantic},
    Entry{"verbosity", ExtraFate::kSemantic},
};

const Entry* find(std::string_view name) {
    for (const Entry& entry : kEntries)
        if (entry.name == name) return &entry;
    return nullptr;
}

}  // namespace

ExtraFate extra_fate(std::string_view name) {
    const Entry* entry = find(name);
    // user, store, metadata, service_tier, prediction, cache_salt and whatever comes next year:
    // bookkeeping.
    return entry ? entry->fate : ExtraFate::kHint;
}

bool is_neutral(const Extra& extra) {
    for (std::string_view nothing : {"", "null", "{}", "[]", "\"\"", "0", "0.0", "false"})
        if (extra.json == nothing) return true;
    const Entry* entry = find(extra.name);
    if (!entry || entry->neutral.empty()) return false;
    return extra.json == entry->neutral || (entry->neutral == "1" && extra.json == "1.0");
}

void declare_extras(const std::vector<Extra>& extras, Declarations& declared) {
    for (const Extra& extra : extras) {
        const ExtraFate fate = extra_fate(extra.name);
        if (fate == ExtraFate::kOption || fate == ExtraFate::kTopLevel || is_neutral(extra))
            continue;
        declared.ignore(extra.name, fate == ExtraFate::kSemantic ? Loss::kSemantic : Loss::kHint);
    }
}

void write_option_extras(const std::vector<Extra>& extras, json::Writer& writer) {
    for (const Extra& extra : extras)
        if (extra_fate(extra.name) == ExtraFate::kOption && extra.json != "null")
            writer.member_raw(extra.name, extra.json);
}

void write_top_level_extras(const std::vector<Extra>& extras, json::Writer& writer) {
    for (const Extra& extra : extras)
        if (extra_fate(extra.name) == ExtraFate::kTopLevel && extra.json != "null")
            writer.member_raw(extra.name, extra.json);
}

}  // namespace segue::llm::ollama
