#include "audit/text/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "audit/text/words.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
    return is_lower(c) || is_upper(c);
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alnum(char c) {
    return is_letter(c) || is_digit(c);
}

/// "numCtx" → "num_ctx", "NumCtx" → "num_ctx", "num-ctx" → "num_ctx".
std::string snake(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '-' || c == '.') {
            out.push_back('_');
        } else if (is_upper(c) && i > 0 && (is_lower(name[i - 1]) || is_digit(name[i - 1]))) {
            out.push_back('_');
            out.push_back(ascii_lower(c));
        } else {
            out.push_back(ascii_lower(c));
        }
    }
    return out;
}

constexpr auto kNativePaths = words<16>(
    "/api/chat /api/generate /api/tags /api/embed /api/embeddings /api/pull /api/push "
    "/api/show /api/ps /api/version /api/create /api/copy /api/delete /api/blobs "
    "/api/web_search /api/web_fetch");

constexpr auto kOwnOptions = words<18>(
    "num_ctx num_predict num_gpu num_thread num_keep num_batch repeat_last_n mirostat "
    "mirostat_eta mirostat_tau tfs_z penalize_newline low_vram main_gpu use_mmap use_mlock "
    "vocab_only f16_kv");
constexpr auto kSharedOptions =
    words<8>("keep_alive options format raw template typical_p think context");
constexpr auto kOwnReply = words<8>(
    "prompt_eval_count prompt_eval_duration eval_count eval_duration load_duration "
    "done_reason parameter_size quantization_level");
constexpr auto kSharedReply = words<20>(
    "message content response done models name embedding embeddings total_duration created_at "
    "digest size model tool_calls thinking modified_at details version size_vram families");

/// Families of Ollama's library. A name belongs to one when it equals it or goes on with a digit,
/// '.', '-' or ':'.
constexpr auto kFamilies = words<169>(
    "llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 llama2-uncensored llama3.2-vision "
    "llama3-chatqa llama3-gradient llama-guard3 codellama mistral mistral-nemo mistral-small "
    "mistral-small3.1 mistral-small3.2 mistral-large mistral-openorca mixtral ministral-3 "
    "gemma gemma2 gemma3 gemma3n codegemma shieldgemma embeddinggemma phi phi3 phi3.5 phi4 "
    "phi4-mini phi4-reasoning qwen qwen2 qwen2.5 qwen2.5-coder qwen2.5vl qwen2-math qwen3 "
    "qwen3-coder qwen3-vl qwen3-embedding codeqwen qwq deepseek-r1 deepseek-v2 deepseek-v2.5 "
    "deepseek-v3 deepseek-v3.1 deepseek-coder deepseek-coder-v2 deepseek-llm deepseek-ocr "
    "deepscaler deepcoder nomic-embed-text nomic-embed-text-v2-moe mxbai-embed-large all-minilm "
    "bge-m3 bge-large "
    "snowflake-arctic-embed snowflake-arctic-embed2 paraphrase-multilingual granite-embedding "
    "granite-code granite3-dense granite3.1-dense granite3.2 granite3.3 granite4 starcoder "
    "starcoder2 codestral command-r command-r-plus command-r7b command-a llava llava-llama3 "
    "llava-phi3 bakllava moondream minicpm-v tinyllama tinydolphin vicuna orca-mini orca2 "
    "wizardlm wizardlm2 wizardcoder wizard-math wizard-vicuna zephyr dolphin-mistral "
    "dolphin-mixtral dolphin-llama3 dolphin-phi dolphin3 openchat neural-chat solar solar-pro "
    "stable-code stablelm2 stable-beluga falcon falcon2 falcon3 yi yi-coder aya aya-expanse "
    "nous-hermes nous-hermes2 hermes3 olmo2 olmo-3 smollm smollm2 openhermes sqlcoder "
    "phind-codellama gpt-oss devstral devstral-small-2 magistral cogito exaone3.5 exaone-deep "
    "internlm2 glm4 glm-4.6 kimi-k2 minimax-m2 athene-v2 reflection nemotron nemotron-mini "
    "nemotron-3-nano marco-o1 tulu3 opencoder meditron medllama2 samantha-mistral starling-lm "
    "everythinglm xwinlm notus goliath megadolphin bespoke-minicheck firefunction-v2 "
    "duckdb-nsql nexusraven magicoder alfred codebooga open-orca-platypus2 r1-1776 "
    "openthinker smallthinker dbrx reader-lm lfm2");

/// Those whose next version will come under the same name.
constexpr auto kVersioned = words<19>(
    "llama qwen gemma phi granite glm olmo smollm falcon hermes exaone starcoder internlm tulu "
    "deepseek-r deepseek-v kimi-k minimax-m mistral-small");

/// Families that are also companies, brands or everyday words: never bare.
constexpr auto kNeverBare = words<30>(
    "mistral qwen gemma phi yi aya solar falcon zephyr reflection alfred goliath notus cogito "
    "command-a vicuna nemotron starcoder mixtral codestral starling-lm dbrx command-r "
    "deepseek-v3 magistral devstral codellama gpt-oss llava kimi-k2");

constexpr auto kPackages = words<14>(
    "ollama ollama-rs ollama_rs ollama-ai-provider ollama-ai-provider-v2 ollamasharp "
    "langchain-ollama langchain_ollama llama-index-llms-ollama llama-index-embeddings-ollama "
    "@langchain/ollama @llamaindex/ollama spring-ai-ollama langchain4j-ollama");

constexpr auto kMethods = words<33>(
    "chat generate embed embeddings list show pull push create copy delete ps web_search "
    "web_fetch webSearch webFetch abort version encodeImage create_blob Chat Generate Embed "
    "Embeddings List Show Pull Push Create Copy Delete Heartbeat ListRunning");

constexpr std::string_view kHosts[] = {"ollama.com",
                                       "ollama.ai",
                                       "github.com/ollama",
                                       "github.com/jmorganca/ollama",
                                       "raw.githubusercontent.com/ollama",
                                       "hub.docker.com/r/ollama",
                                       "registry.ollama.ai",
                                       "pypi.org/project/ollama",
                                       "npmjs.com/package/ollama",
                                       "ghcr.io/ollama"};

constexpr auto kScan = words<157>(
    "segue: /chat\" /chat' /tags\" /tags' /generate\" /generate' /embed\" /embed' ollama 11434 "
    "/api/chat /api/generate /api/tags /api/embed /api/pull /api/push /api/show /api/ps "
    "/api/version /api/create /api/copy /api/delete /api/blobs num_ctx num_predict num_gpu "
    "num_thread num_keep num_batch repeat_last_n mirostat tfs_z numctx numpredict numgpu "
    "numthread numkeep numbatch repeatlastn num-ctx num-predict keep_alive keepalive "
    "keep-alive eval_count evalcount eval_duration evalduration load_duration loadduration "
    "done_reason donereason total_duration totalduration parameter_size quantization_level "
    ":latest llama2 llama3 llama4 codellama tinyllama mistral mixtral gemma phi3 phi4 phi: "
    "qwen qwq deepseek- nomic-embed mxbai minilm bge- arctic-embed starcoder codestral "
    "command-r command-a granite llava moondream minicpm vicuna orca-mini orca2 wizard zephyr "
    "dolphin openchat neural-chat solar: solar-pro stablelm stable-code falcon yi: yi-coder "
    "aya: aya-expanse hermes olmo smollm sqlcoder gpt-oss devstral magistral cogito exaone "
    "glm4 glm-4 kimi-k2 nemotron tulu :0.5b :0.6b :1b :1.5b :1.7b :2b :3b :3.8b :4b :6b :7b "
    ":8b :9b :11b :12b :13b :14b :20b :22b :24b :27b :30b :32b :34b :65b :70b :72b :90b :120b "
    ":180b :235b :405b :671b :8x7b :8x22b -q2_ -q3_ -q4_ -q5_ -q6_ -q8_");

/// Where a word may begin: the start, after a separator, at a change to upper case, after an
/// escape.
bool begins_word(std::string_view text, std::size_t at) {
    if (at == 0) return true;
    const char before = text[at - 1];
    if (!is_letter(before)) return true;
    const bool upper = is_upper(text[at]);
    if (is_lower(before) && upper) return true;
    // "AIOllama": an acronym ends where a capital is followed by small letters.
    if (is_upper(before) && upper && is_lower(text[at + 1])) return true;
    if (at >= 2 && text[at - 2] == '\\' && std::strchr("nrtbf", before) != nullptr) return true;
    return at >= 3 && text[at - 3] == '%' && is_digit(text[at - 2]);  // %2Follama
}

bool tag_char(char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '-';
}

/// Listed, or the next version of one that is listed: "qwen3.5", "gemma4".
bool is_family(std::string_view name) {
    if (holds(kFamilies, name)) return true;
    const auto version = name.find_last_not_of("0123456789.") + 1;
    return version > 0 && version < name.size() && is_digit(name[version]) &&
           holds(kVersioned, name.substr(0, version));
}

/// The first two letters as one number.
std::size_t beginning_of(std::string_view name) {
    const auto bits = [](char c) { return static_cast<std::size_t>(c) & 31U; };
    return name.size() < 2 ? 0 : bits(name[0]) * 32 + bits(name[1]);
}

/// "8b", "0.5b", "8x7b", "latest", "70b-instruct-q4_K_M".
bool is_size_variant(std::string_view variant) {
    if (variant == "latest") return true;
    std::size_t i = 0;
    if (variant.starts_with("e") || variant.starts_with("E")) i = 1;  // gemma3n:e4b
    const std::size_t digits = i;
    while (i < variant.size() && (is_digit(variant[i]) || variant[i] == '.' || variant[i] == 'x'))
        ++i;
    if (i > digits && i < variant.size() &&
        (variant[i] == 'b' || variant[i] == 'B' || variant[i] == 'm') &&
        (i + 1 == variant.size() || !is_alnum(variant[i + 1])))
        return true;
    const auto quantised = variant.find("-q");
    return quantised != std::string_view::npos && quantised + 2 < variant.size() &&
           is_digit(variant[quantised + 2]);
}

}  // namespace

std::optional<Range> find_word(std::string_view text, std::size_t from) {
    static constexpr std::string_view kWord = "ollama";
    while (from + kWord.size() <= text.size()) {
        // memchr on the rarer letter: 'm' of either case sits at offset 4.
        std::size_t at = from;
        for (; at + kWord.size() <= text.size(); ++at)
            if ((text[at + 4] | 0x20) == 'm' && (text[at] | 0x20) == 'o' &&
                iequals(text.substr(at, kWord.size()), kWord))
                break;
        if (at + kWord.size() > text.size()) return std::nullopt;
        if (begins_word(text, at)) return Range{at, at + kWord.size()};
        from = at + 1;
    }
    return std::nullopt;
}

bool has_word(std::string_view text) {
    return find_word(text).has_value();
}

Range name_around(std::string_view text, Range at, std::string_view extra) {
    const auto inside = [&](char c) {
        return is_alnum(c) || extra.find(c) != std::string_view::npos;
    };
    while (at.begin > 0 && inside(text[at.begin - 1]))
        --at.begin;
    while (at.end < text.size() && inside(text[at.end]))
        ++at.end;
    return at;
}

std::optional<Range> find_native_path(std::string_view text, std::size_t from) {
    while (true) {
        const auto at = text.find("/api/", from);
        if (at == std::string_view::npos) return std::nullopt;
        std::size_t end = at + 5;
        while (end < text.size() && (is_alnum(text[end]) || text[end] == '_' || text[end] == '-'))
            ++end;
        const auto path = text.substr(at, end - at);
        const bool goes_on = end < text.size() && text[end] == '/' && path != "/api/blobs" &&
                             end + 1 < text.size() &&
                             (is_alnum(text[end + 1]) || text[end + 1] == '{');
        if (holds(kNativePaths, path) && !goes_on) return Range{at, end};
        from = end;
    }
}

bool is_native_tail(std::string_view text) {
    if (text.starts_with('/')) text.remove_prefix(1);
    const std::string whole = "/api/" + std::string(text);
    return holds(kNativePaths, whole);
}

bool is_own_option(std::string_view name) {
    return name.size() >= 5 && name.size() < 24 && holds(kOwnOptions, snake(name));
}
bool ends_in_option(std::string_view name) {
    if (name.size() < 9 || name.size() > 48) return false;
    const std::string words = snake(name);
    for (const std::string_view option : {"_num_ctx", "_num_predict", "_repeat_last_n"})
        if (words.ends_with(option)) return true;
    return false;
}
bool is_shared_option(std::string_view name) {
    return name.size() < 16 && holds(kSharedOptions, snake(name));
}
bool is_own_reply_field(std::string_view name) {
    return name.size() < 24 && holds(kOwnReply, snake(name));
}
bool is_shared_reply_field(std::string_view name) {
    return name.size() < 20 && holds(kSharedReply, snake(name));
}

namespace {

/// "listModels": a name of code, no variant of a model ("instruct", "8b-q4_K_M").
bool is_camel(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i)
        if (is_lower(text[i - 1]) && is_upper(text[i])) return true;
    return false;
}

/// Docker's model runner has its models under ai/.
bool is_of_docker(std::string_view name) {
    return name.starts_with("ai/") || name.find("/ai/") != std::string_view::npos;
}

}  // namespace

std::optional<Tag> find_tag(std::string_view text, std::size_t from) {
    while (true) {
        const auto colon = text.find(':', from);
        if (colon == std::string_view::npos) return std::nullopt;
        from = colon + 1;
        std::size_t begin = colon;
        while (begin > 0 && (tag_char(text[begin - 1]) || text[begin - 1] == '/'))
            --begin;
        while (begin < colon && (text[begin] == '/' || text[begin] == '.' || text[begin] == '-'))
            ++begin;
        std::size_t end = colon + 1;
        while (end < text.size() && tag_char(text[end]))
            ++end;
        while (end > colon + 1 && (text[end - 1] == '.' || text[end - 1] == '-'))
            --end;
        if (begin == colon || end == colon + 1) continue;
        if (end < text.size() &&
            (text[end] == '/' || (text[end] == ':' && end + 1 < text.size() &&
                                  (is_alnum(text[end + 1]) || text[end + 1] == ':'))))
            continue;  // host:port/, a:b:c; "**llama3.2:1b:** fast" ends a clause
        if (begin > 0 &&
            (text[begin - 1] == ':' || text[begin - 1] == '@' || text[begin - 1] == '$'))
            continue;
        const std::string name = to_lower(text.substr(begin, colon - begin));
        const auto variant = text.substr(colon + 1, end - colon - 1);
        if (!is_alnum(name.front()) || is_of_docker(name)) continue;
        const auto slash = name.rfind('/');
        const std::string_view family = slash == std::string::npos
                                            ? std::string_view(name)
                                            : std::string_view(name).substr(slash + 1);
        const bool size = is_size_variant(variant);
        const bool all_digits = std::all_of(variant.begin(), variant.end(), is_digit);
        if (is_family(family) &&
            (size || (!all_digits && variant.size() > 1 && !is_camel(variant))))
            return Tag{{begin, end}, true};
        // "name:latest" of anything is mostly a container image: a shape needs a size or letters.
        if (size && variant != "latest" && family.size() > 1 &&
            std::any_of(family.begin(), family.end(), is_letter))
            return Tag{{begin, end}, false};
        if (variant == "latest" && family.size() > 1) return Tag{{begin, end}, false};
    }
}

bool is_tag(std::string_view text) {
    const auto found = find_tag(text);
    return found && found->at == Range{0, text.size()};
}

bool may_hold_size_tag(std::string_view text) {
    for (std::size_t at = 0; (at = text.find(':', at)) != std::string_view::npos;) {
        auto end = ++at;
        while (end < text.size() && tag_char(text[end]))
            ++end;
        // As find_tag() sees it, whatever text it is given: dots and dashes at the end may go.
        while (end > at && !is_alnum(text[end - 1]))
            --end;
        if (end > at && is_size_variant(text.substr(at, end - at))) return true;
    }
    return false;
}

bool is_bare_family(std::string_view text) {
    if (text.size() < 3 || text.size() > 40) return false;
    // Asked of every word: most begin like none of them.
    static const auto kBegins = [] {
        std::array<bool, 1024> begins{};
        const auto mark = [&](std::string_view name) { begins[beginning_of(name)] = true; };
        std::for_each(kFamilies.begin(), kFamilies.end(), mark);
        std::for_each(kVersioned.begin(), kVersioned.end(), mark);
        return begins;
    }();
    if (!kBegins[beginning_of(text)]) return false;
    // With capitals it is the model's name, not the registry's ("Qwen2.5", "MiniMax-M2").
    if (std::any_of(text.begin(), text.end(), is_upper) || holds(kNeverBare, text)) return false;
    for (const std::string_view vendor : {"deepseek-v", "kimi-k", "minimax-m", "glm"})
        if (text.starts_with(vendor)) return false;
    return is_family(text);
}

std::optional<Range> find_port(std::string_view text, std::size_t from) {
    static constexpr std::string_view kPort = "11434";
    while (true) {
        const auto at = text.find(kPort, from);
        if (at == std::string_view::npos) return std::nullopt;
        const auto end = at + kPort.size();
        const char before = at > 0 ? text[at - 1] : ' ';
        const char after = end < text.size() ? text[end] : ' ';
        const bool decimal = (before == '.' && at >= 2 && is_digit(text[at - 2])) ||
                             (after == '.' && end + 1 < text.size() && is_digit(text[end + 1]));
        const bool grouped = before == ',' && at >= 2 && is_digit(text[at - 2]);
        const bool escape = at >= 2 && text[at - 2] == '\\';
        if ((!is_alnum(before) || escape) && !is_alnum(after) && !decimal && !grouped &&
            before != '#')
            return Range{at, end};
        from = end;
    }
}

bool is_ollama_package(std::string_view name) {
    const std::string lower = to_lower(name);
    if (holds(kPackages, lower)) return true;
    return has_word(name);
}

bool is_client_method(std::string_view name) {
    return holds(kMethods, name);
}

bool is_connector(std::string_view name) {
    static constexpr auto kNames = words<44>(
        "Ollama ChatOllama AsyncOllama OllamaLLM OllamaEmbeddings OllamaEmbedding "
        "OllamaMultiModal OllamaFunctions OllamaChatModel OllamaStreamingChatModel "
        "OllamaEmbeddingModel OllamaLanguageModel OllamaApi OllamaApiClient OllamaChatClient "
        "OllamaOptions OllamaChatOptions OllamaGenerator OllamaChatGenerator OllamaTextEmbedder "
        "OllamaDocumentEmbedder OllamaProvider OllamaModel OllamaContainer "
        "OllamaEmbeddingFunction OllamaChatCompletionClient OllamaChatCompletion "
        "OllamaTextCompletion OllamaTextEmbedding OllamaPromptExecutionSettings createOllama "
        "createOllamaProvider OllamaClient OllamaException OllamaResponseError OllamaChatRequest "
        "OllamaEmbeddingGenerator AddOllamaApiClient AddOllamaChatCompletion "
        "AddOllamaTextGeneration AddOllamaTextEmbeddingGeneration OllamaHttpClient "
        "OllamaLanguageModelFactory LiteLLMOllama");
    return holds(kNames, name);
}

std::optional<Range> find_link(std::string_view text, std::size_t from) {
    std::optional<Range> best;
    for (const auto host : kHosts) {
        for (auto at = from; (at = text.find(host, at)) != std::string_view::npos;
             at += host.size()) {
            const char before = at > 0 ? text[at - 1] : ' ';
            if (before != '/' && before != '.' && before != ' ' && before != '"' &&
                before != '\'' && before != '(' && before != '<' && before != '@' && before != '`')
                continue;
            auto end = at + host.size();
            if (end < text.size() && (is_alnum(text[end]) || text[end] == '-')) continue;
            if (best && best->begin <= at) break;
            while (end < text.size() &&
                   (is_alnum(text[end]) || std::strchr("/._-~%?=&#:@", text[end]) != nullptr))
                ++end;
            auto begin = at;
            while (begin > from &&
                   (is_alnum(text[begin - 1]) || std::strchr("/.:-", text[begin - 1]) != nullptr))
                --begin;
            best = Range{begin, end};
            break;
        }
    }
    return best;
}

std::vector<TokenLiteral> token_literals() {
    std::vector<TokenLiteral> out;
    for (const std::string_view word : {"ollama", "11434", "keep_alive", "keep-alive", "keepalive"})
        out.push_back({std::string(word)});
    for (const auto path : kNativePaths)
        out.push_back({std::string(path)});
    for (const auto name : kFamilies)
        out.push_back({std::string(name), true});
    for (const auto name : kVersioned)
        out.push_back({std::string(name), true});
    // Written in any of the ways that snake() undoes, also one word in this way and one in that:
    // where the first two words meet is enough to tell.
    const auto add_names = [&](std::span<const std::string_view> names) {
        for (const std::string_view name : names) {
            const auto second = name.find('_', name.find('_') + 1);
            for (const std::string_view between : {"_", "-", ".", ""})
                out.push_back({replace_all(std::string(name.substr(0, second)), "_", between)});
        }
    };
    add_names(kOwnOptions);
    add_names(kOwnReply);
    return out;
}

std::span<const std::string_view> scan_literals() {
    return kScan;
}

}  // namespace segue::audit
