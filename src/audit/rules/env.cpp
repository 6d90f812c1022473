// SEG105 env: an environment variable of Ollama, or one whose name holds the word
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

bool commented_setting(std::string_view line, std::string_view name) {
    const auto at = line.find(name);
    const auto rest = trim(line.substr(at + name.size()));
    return rest.starts_with('=') || rest.starts_with(':') ||
           line.find("ENV ") != std::string_view::npos;
}

std::optional<Claim> judge(const View& v) {
    if (v.form().doc || !v.is(TokenType::kWord)) return std::nullopt;
    const auto name = v.name();
    const auto form = v.form();
    if (v.comment()) {
        // A commented default is switched on by removing one character.
        const bool place = form.language == Language::kEnv || form.compose ||
                           form.language == Language::kDockerfile ||
                           form.language == Language::kIni || form.language == Language::kSystemd;
        if (place && is_env_name(name) && commented_setting(v.line, name))
            return claim(v, Level::kWarning, Confidence::kCertain,
                         "a commented environment variable of Ollama");
        return std::nullopt;
    }
    if (v.region() == Region::kKey && form.language == Language::kEnv)
        return claim(v, Level::kError, Confidence::kCertain,
                     "sets an environment variable of Ollama");
    if (!is_env_name(name)) return std::nullopt;
    if (!v.code())
        return claim(v, Level::kError, Confidence::kCertain, "an environment variable of Ollama");
    // In code a capital name is an environment variable where one is read or declared.
    const auto before = v.before_name();
    if (before.ends_with("env.") || before.ends_with("env?.") || before.ends_with("environ.") ||
        before.ends_with("ENV.") || before.ends_with("$") || before.ends_with("${") ||
        before.ends_with("Env.") || before.ends_with("$env:") || before.ends_with("env['") ||
        before.ends_with("-D") || form.language == Language::kShell ||
        form.language == Language::kMakefile || form.language == Language::kPowerShell ||
        form.language == Language::kOther)
        return claim(v, Level::kError, Confidence::kCertain, "an environment variable of Ollama");
    // A field of a settings class is one: `OLLAMA_URL: str = ...`.
    if (trim(before).empty() && trim(v.after_name()).starts_with(':') && form.code)
        return claim(v, Level::kError, Confidence::kLikely,
                     "a setting that is read from the environment");
    if (v.line.find("env") != std::string_view::npos &&
        v.before_name().find('{') != std::string_view::npos &&
        v.line.find("env", v.before_name().size()) != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kLikely,
                     "an environment variable of Ollama, taken apart");
    return std::nullopt;
}

}  // namespace

const Rule kEnvRule{105,
                    "env",
                    Level::kError,
                    true,
                    "an environment variable of Ollama, or one whose name holds the word",
                    "It configures a server or a client that will be gone; a reader of it breaks "
                    "or keeps using Ollama.",
                    "OLLAMA_URL, OLLAMA_HOST+OLLAMA_PORT become VLLM_ENDPOINT, OLLAMA_MODEL "
                    "becomes VLLM_MODEL; server tuning moves to vLLM's flags.",
                    judge};

}  // namespace segue::audit
