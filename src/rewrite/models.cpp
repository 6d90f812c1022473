#include "rewrite/models.hpp"

#include <array>
#include <cctype>

#include "base/text.hpp"

namespace segue::rewrite {
namespace {

/// A tag of Ollama's library and the model that it was made from. `standard`: what the family means
/// without a variant, or with ":latest".
struct Known {
    std::string_view family;
    std::string_view variant;
    std::string_view id;
    std::uint32_t context;
    bool standard;
    bool embeds;
    bool gated;
};

constexpr std::array kKnown{
    Known{"llama3.1", "8b", "meta-llama/Llama-3.1-8B-Instruct", 131072, true, false, true},
    Known{"llama3", "8b", "meta-llama/Meta-Llama-3-8B-Instruct", 8192, true, false, true},
    Known{"llama3.2", "1b", "meta-llama/Llama-3.2-1B-Instruct", 131072, false, false, true},
    Known{"llama3.2", "3b", "meta-llama/Llama-3.2-3B-Instruct", 131072, true, false, true},
    Known{"llama3.3", "70b", "meta-llama/Llama-3.3-70B-Instruct", 131072, true, false, true},
    Known{"llama2", "7b", "meta-llama/Llama-2-7b-chat-hf", 4096, true, false, true},
    Known{"codellama", "7b", "codellama/CodeLlama-7b-Instruct-hf", 16384, true, false, false},
    Known{"codellama", "13b", "codellama/CodeLlama-13b-Instruct-hf", 16384, false, false, false},
    Known{"mistral", "7b", "mistralai/Mistral-7B-Instruct-v0.3", 32768, true, false, false},
    Known{"mistral-nemo", "12b", "mistralai/Mistral-Nemo-Instruct-2407", 131072, true, false,
          false},
    Known{"mistral-small", "24b", "mistralai/Mistral-Small-24B-Instruct-2501", 32768, false, false,
          false},
    Known{"mistral-small3.1", "24b", "mistralai/Mistral-Small-3.1-24B-Instruct-2503", 131072, true,
          false, false},
    Known{"mistral-small3.2", "24b", "mistralai/Mistral-Small-3.2-24B-Instruct-2506", 131072, true,
          false, false},
    Known{"devstral", "24b", "mistralai/Devstral-Small-2507", 131072, true, false, false},
    Known{"ministral-3", "8b", "mistralai/Ministral-3-8B-Instruct-2512", 262144, false, false,
          false},
    Known{"ministral-3", "14b", "mistralai/Ministral-3-14B-Instruct-2512", 262144, false, false,
          false},
    Known{"mixtral", "8x7b", "mistralai/Mixtral-8x7B-Instruct-v0.1", 32768, true, false, false},
    Known{"qwen2.5", "0.5b", "Qwen/Qwen2.5-0.5B-Instruct", 32768, false, false, false},
    Known{"qwen2.5", "1.5b", "Qwen/Qwen2.5-1.5B-Instruct", 32768, false, false, false},
    Known{"qwen2.5", "3b", "Qwen/Qwen2.5-3B-Instruct", 32768, false, false, false},
    Known{"qwen2.5", "7b", "Qwen/Qwen2.5-7B-Instruct", 32768, true, false, false},
    Known{"qwen2.5", "14b", "Qwen/Qwen2.5-14B-Instruct", 32768, false, false, false},
    Known{"qwen2.5", "32b", "Qwen/Qwen2.5-32B-Instruct", 32768, false, false, false},
    Known{"qwen2.5-coder", "7b", "Qwen/Qwen2.5-Coder-7B-Instruct", 32768, true, false, false},
    Known{"qwen2.5-coder", "14b", "Qwen/Qwen2.5-Coder-14B-Instruct", 32768, false, false, false},
    Known{"qwen2.5vl", "7b", "Qwen/Qwen2.5-VL-7B-Instruct", 128000, true, false, false},
    Known{"qwq", "32b", "Qwen/QwQ-32B", 131072, true, false, false},
    Known{"qwen3", "0.6b", "Qwen/Qwen3-0.6B", 40960, false, false, false},
    Known{"qwen3", "1.7b", "Qwen/Qwen3-1.7B", 40960, false, false, false},
    Known{"qwen3", "4b", "Qwen/Qwen3-4B-Instruct-2507", 262144, false, false, false},
    Known{"qwen3", "8b", "Qwen/Qwen3-8B", 40960, true, false, false},
    Known{"qwen3", "14b", "Qwen/Qwen3-14B", 40960, false, false, false},
    Known{"qwen3", "32b", "Qwen/Qwen3-32B", 40960, false, false, false},
    Known{"qwen3", "30b", "Qwen/Qwen3-30B-A3B-Instruct-2507", 262144, false, false, false},
    Known{"qwen3-coder", "30b", "Qwen/Qwen3-Coder-30B-A3B-Instruct", 262144, true, false, false},
    Known{"qwen3-vl", "8b", "Qwen/Qwen3-VL-8B-Instruct", 262144, false, false, false},
    Known{"qwen3-vl", "4b", "Qwen/Qwen3-VL-4B-Instruct", 262144, false, false, false},
    Known{"qwen3.5", "9b", "Qwen/Qwen3.5-9B", 262144, false, false, false},
    Known{"qwen3.5", "4b", "Qwen/Qwen3.5-4B", 262144, false, false, false},
    Known{"qwen3.6", "27b", "Qwen/Qwen3.6-27B", 262144, false, false, false},
    Known{"gemma2", "2b", "google/gemma-2-2b-it", 8192, false, false, true},
    Known{"gemma2", "9b", "google/gemma-2-9b-it", 8192, true, false, true},
    Known{"gemma3", "1b", "google/gemma-3-1b-it", 32768, false, false, true},
    Known{"gemma3", "4b", "google/gemma-3-4b-it", 131072, true, false, true},
    Known{"gemma3", "12b", "google/gemma-3-12b-it", 131072, false, false, true},
    Known{"gemma3", "27b", "google/gemma-3-27b-it", 131072, false, false, true},
    Known{"gemma4", "e4b", "google/gemma-4-E4B-it", 131072, true, false, false},
    Known{"gemma4", "12b", "google/gemma-4-12B-it", 262144, false, false, false},
    Known{"gemma4", "26b", "google/gemma-4-26B-A4B-it", 262144, false, false, false},
    Known{"gpt-oss", "20b", "openai/gpt-oss-20b", 131072, true, false, false},
    Known{"gpt-oss", "120b", "openai/gpt-oss-120b", 131072, false, false, false},
    Known{"phi4", "14b", "microsoft/phi-4", 16384, true, false, false},
    Known{"phi4-mini", "3.8b", "microsoft/Phi-4-mini-instruct", 131072, true, false, false},
    Known{"phi3", "mini", "microsoft/Phi-3-mini-4k-instruct", 4096, false, false, false},
    Known{"deepseek-r1", "1.5b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 131072, false, false,
          false},
    Known{"deepseek-r1", "7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 131072, false, false,
          false},
    Known{"deepseek-r1", "8b", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", 131072, false, false,
          false},
    Known{"deepseek-r1", "14b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 131072, false, false,
          false},
    Known{"deepseek-r1", "32b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", 131072, false, false,
          false},
    Known{"deepseek-coder-v2", "16b", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", 163840, false,
          false, false},
    Known{"granite3.3", "8b", "ibm-granite/granite-3.3-8b-instruct", 131072, false, false, false},
    Known{"granite3.3", "2b", "ibm-granite/granite-3.3-2b-instruct", 131072, false, false, false},
    Known{"nemotron-3-nano", "30b", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 262144, false,
          false, false},
    Known{"tinyllama", "1.1b", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", 2048, true, false, false},
    Known{"smollm2", "1.7b", "HuggingFaceTB/SmolLM2-1.7B-Instruct", 8192, true, false, false},
    Known{"llava", "7b", "llava-hf/llava-v1.6-mistral-7b-hf", 32768, true, false, false},
    Known{"nomic-embed-text", "", "nomic-ai/nomic-embed-text-v1.5", 8192, true, true, false},
    Known{"mxbai-embed-large", "", "mixedbread-ai/mxbai-embed-large-v1", 512, true, true, false},
    Known{"bge-m3", "", "BAAI/bge-m3", 8192, true, true, false},
    Known{"all-minilm", "", "sentence-transformers/all-MiniLM-L6-v2", 512, true, true, false},
    Known{"qwen3-embedding", "0.6b", "Qwen/Qwen3-Embedding-0.6B", 32768, false, true, false},
    Known{"qwen3-embedding", "4b", "Qwen/Qwen3-Embedding-4B", 32768, false, true, false},
    Known{"embeddinggemma", "300m", "google/embeddinggemma-300m", 2048, true, true, true},
};

/// "8b-instruct-q4_K_M" is the same model as "8b", quantised; "-text" and "-base" are others.
std::string_view size_of(std::string_view variant) {
    const auto dash = variant.find('-');
    if (dash == std::string_view::npos) return variant;
    auto rest = variant.substr(dash);
    for (const std::string_view same : {"-instruct", "-chat", "-it"})
        if (rest.starts_with(same)) rest.remove_prefix(same.size());
    const bool quantised =
        rest.empty() || (rest.size() > 2 && (rest[1] == 'q' || rest.starts_with("-fp16") ||
                                             rest.starts_with("-bf16")));
    return quantised ? variant.substr(0, dash) : variant;
}

bool tag_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' ||
           c == '/' || c == ':';
}

}  // namespace

std::vector<audit::Range> models_in(std::string_view line, Families families) {
    std::vector<audit::Range> out;
    for (auto tag = audit::find_tag(line); tag; tag = audit::find_tag(line, tag->at.end))
        if (tag->family_known) out.push_back(tag->at);
    if (families == Families::kNo) return out;
    for (std::size_t at = 0; at < line.size();) {
        if (!tag_char(line[at])) {
            ++at;
            continue;
        }
        auto end = at;
        while (end < line.size() && tag_char(line[end]) &&
               !(line[end] == ':' && end + 1 < line.size() && line[end + 1] == '-'))
            ++end;
        if (end == at) ++end;
        auto begin = at;
        while (begin < end && (line[begin] == '-' || line[begin] == ':' || line[begin] == '.'))
            ++begin;  // ":-" of an interpolation
        auto stop = end;
        while (stop > begin && (line[stop - 1] == '.' || line[stop - 1] == ':'))
            --stop;
        const auto word = line.substr(begin, stop - begin);
        // "mistral" and "qwen" alone are companies.
        if (audit::is_bare_family(word) && word.find_first_of("0123456789-") != word.npos)
            out.push_back({begin, stop});
        at = end;
    }
    return out;
}

std::optional<ModelId> model_for(std::string_view tag, const ModelMap& own) {
    for (const auto& name : {std::string(tag), std::string(tag) + ":latest"})
        if (const auto found = own.find(name); found != own.end())
            return ModelId{found->second, 0, false, false, true};
    const auto lower = to_lower(tag);
    const std::string_view name = lower;
    const auto colon = name.find(':');
    const auto family = name.substr(0, colon);
    const auto variant = colon == std::string_view::npos ? "" : name.substr(colon + 1);
    for (const auto& known : kKnown) {
        if (known.family != family) continue;
        const bool same = variant.empty() || variant == "latest"
                              ? known.standard
                              : known.variant == variant || known.variant == size_of(variant);
        if (same) {
            const bool exact = variant.empty() || variant == "latest" || known.variant == variant;
            return ModelId{std::string(known.id), known.context, known.embeds, known.gated, exact};
        }
    }
    return std::nullopt;
}

}  // namespace segue::rewrite
