// SEG120 half_migrated: the name says one engine, the value or the path the other
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// What stands behind `||`, `??` or `or`.
std::string_view default_value(std::string_view after) {
    after = trim(after);
    for (const std::string_view sign : {"||", "??", "or ", ") ||", ") ??", ") or "})
        if (after.starts_with(sign)) return after.substr(sign.size());
    return {};
}

bool is_name_of_assignment(const View& v) {
    const auto after = trim(v.after_name());
    // process.env.OLLAMA_URL || 'http://gpu1:8000'
    if (is_env_name(v.name()) && !default_value(after).empty()) return true;
    return (v.code() || v.string() || v.region() == Region::kValue || v.shell()) &&
           (after.starts_with('=') || after.starts_with(':') || after.starts_with("\":") ||
            after.starts_with("\",")) &&
           !after.starts_with("==") && !after.starts_with("=>");
}
std::string_view assigned_value(const View& v) {
    if (const auto other = default_value(v.after_name()); !other.empty()) return other;
    const auto at = v.after_name().find_first_of("=:,");
    return at == std::string_view::npos ? std::string_view{} : v.after_name().substr(at + 1);
}
bool names_vllm(std::string_view lower) {
    return lower.find("vllm") != std::string_view::npos ||
           lower.find("meta-llama/") != std::string_view::npos ||
           lower.find("mistralai/") != std::string_view::npos ||
           lower.find("qwen/") != std::string_view::npos ||
           lower.find("-instruct-awq") != std::string_view::npos;
}

/// The name or host right in front of the token: `VLLM_URL + "/api/chat"`, `{vllm_url}/api/chat`,
/// `http://vllm:8000/api/chat`.
std::string_view base_before(const View& v) {
    auto before = v.line.substr(0, static_cast<std::size_t>(v.text.data() - v.line.data()));
    const auto last = before.find_last_not_of(" \t\"'`+}{$),](");
    if (last == std::string_view::npos) return {};
    before = before.substr(0, last + 1);
    const auto begin = before.find_last_of(" \t\"'`+({[,=");
    return begin == std::string_view::npos ? before : before.substr(begin + 1);
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().manifest) return std::nullopt;
    // vLLM has none of them: the request ends in 404, unless Segue stands there.
    if (v.is(TokenType::kPath) && to_lower(base_before(v)).find("vllm") != std::string::npos)
        return claim(v, Level::kError, Confidence::kLikely,
                     "a path of Ollama's API on the address of vLLM");
    if (!v.is(TokenType::kWord)) return std::nullopt;
    // OLLAMA_URL=http://gpu1:8000/v1, ollama_model: meta-llama/Llama-3.1-8B-Instruct, image: vllm
    // under a service "ollama".
    if (v.region() != Region::kKey && !is_name_of_assignment(v)) return std::nullopt;
    const auto value = assigned_value(v);
    if (value.empty()) return std::nullopt;
    const auto lower = to_lower(value);
    if (has_word(value) || find_port(value) || lower.find("ollama") != std::string::npos)
        return std::nullopt;
    const bool other = names_vllm(lower) || (lower.find("://") != std::string::npos &&
                                             lower.find(":8000") != std::string::npos);
    if (!other) return std::nullopt;
    Claim found = *claim(v, Level::kError, Confidence::kLikely,
                         "the name says Ollama, the value another engine");
    found.rank = 100;
    return found;
}

}  // namespace

const Rule kHalfMigratedRule{120,
                             "half_migrated",
                             Level::kError,
                             true,
                             "the name says one engine, the value or the path the other",
                             "Readers trust the name: the next change goes to the wrong server.",
                             "Give it the name of the engine that it speaks to, and keep the old "
                             "one only as a documented fallback.",
                             judge};

}  // namespace segue::audit
