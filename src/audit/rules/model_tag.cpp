// SEG107 model_tag: a model's name in Ollama's registry
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// The same shape elsewhere: container images, Bedrock, Hugging Face, another engine's names.
bool names_other_catalogue(const View& v) {
    static constexpr std::string_view kImages[] = {"image",    "FROM", "docker", "podman",
                                                   "registry", "ghcr", "buildx", "tags"};
    const bool known = find_tag(v.text) && find_tag(v.text)->family_known;
    if (!known && mentions(v.line, kImages) && !v.is(TokenType::kFamily) && !has_word(v.line))
        return true;
    if (v.key == "image" || v.key == "uses") return true;
    const auto before = v.before_token();
    if (before.ends_with("hf.co/")) return false;
    if (before.ends_with('@') || before.ends_with("://") || before.ends_with("//")) return true;
    static constexpr std::string_view kOthers[] = {
        "bedrock",  "huggingface", "meta-llama", "anthropic", "webllm",
        "lmstudio", "lm studio",   "llamacpp",   "llama.cpp", "transformers"};
    for (const auto other : kOthers)
        if (!known && to_lower(v.line).find(other) != std::string::npos && !has_word(v.line))
            return true;
    return false;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.token.role == Role::kModelString)
        return claim(v, Level::kError, v.token.confidence,
                     "a tag of Ollama's registry that reaches a client");
    if (v.form().derived || v.form().texts) return std::nullopt;
    const bool tag = v.is(TokenType::kTag);
    const bool family = v.is(TokenType::kFamily);
    if ((!tag && !family) || has_word(v.text)) return std::nullopt;
    if (names_other_catalogue(v)) return std::nullopt;
    if ((v.string() || v.region() == Region::kValue) && v.message()) return std::nullopt;
    const bool known = find_tag(v.text) && find_tag(v.text)->family_known;
    if (v.server == Server::kOther) return std::nullopt;
    static constexpr std::string_view kPlaces[] = {"model", "models", "llm",     "embedding",
                                                   "embed", "tag",    "default", "chat"};
    const bool place = mentions(v.line, kPlaces) || mentions(v.path, kPlaces);
    if (family && !(v.server == Server::kOllama || (v.file_speaks_ollama && place)))
        return std::nullopt;
    if (family && v.sentence()) return std::nullopt;
    if (v.shell() && family && v.server != Server::kOllama) return std::nullopt;
    if (tag && !known && v.server != Server::kOllama && !(v.file_speaks_ollama && place))
        return std::nullopt;
    if (tag && known && v.server == Server::kUnknown && !v.file_speaks_ollama && !place)
        return std::nullopt;
    if (v.server == Server::kOllama || v.file_speaks_ollama)
        return claim(v, Level::kError, Confidence::kLikely,
                     "a tag of Ollama's registry where the surroundings speak of Ollama");
    if (tag && known && place)
        return claim(v, Level::kWarning, Confidence::kLikely,
                     "a name in the form of Ollama's registry");
    return std::nullopt;
}

}  // namespace

const Rule kModelTagRule{
    107,
    "model_tag",
    Level::kError,
    true,
    "a model's name in Ollama's registry",
    "vLLM knows models by their repository or served name: a tag like llama3.1:8b answers 404.",
    "Map it with segue rewrite --map, or serve the model under the old tag with "
    "--served-model-name.",
    judge};

}  // namespace segue::audit
