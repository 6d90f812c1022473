// SEG110 config_key: a setting whose name holds the word
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

#include <cctype>

namespace segue::audit {
namespace {

/// "ollama_url", "ollamaHost", "llm.ollama.model", "ollama-base-url": a name, no sentence, no path.
bool is_setting_name(std::string_view text) {
    if (text.empty() || text.size() > 80) return false;
    for (const char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != '.' &&
            c != ':' && c != '/')
            return false;
    return text.size() > 6;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || (!v.is(TokenType::kWord) && v.token.role != Role::kProviderKey))
        return std::nullopt;
    const auto form = v.form();
    // A manifest's names are packages and scripts; the settings of an editor's extension stand in
    // it.
    const bool manifest = form.manifest && !v.path.starts_with("contributes.");
    if (manifest || form.compose || form.kubernetes || form.ci || form.texts || form.proxy ||
        form.gitignore)
        return std::nullopt;
    if (form.language == Language::kEnv || form.language == Language::kDockerfile ||
        form.language == Language::kSystemd)
        return std::nullopt;
    if (v.region() == Region::kKey)
        return claim(v, Level::kError, Confidence::kCertain, "a setting of Ollama");
    const bool config_language =
        !form.code && (form.language == Language::kJson || form.language == Language::kYaml ||
                       form.language == Language::kToml || form.language == Language::kIni ||
                       form.language == Language::kProperties || form.language == Language::kXml);
    if (config_language &&
        (v.region() == Region::kValue || v.code() || v.region() == Region::kText) && !v.cell() &&
        !v.message())
        return claim(v, Level::kError, Confidence::kLikely, "a setting that names Ollama");
    if (form.language == Language::kSql && !v.string())
        return claim(v, Level::kError, Confidence::kLikely,
                     "a column or table of Ollama's settings");
    if (!form.code) return std::nullopt;
    const auto whole = trim(v.whole);
    if (v.string() && !v.sentence() && is_setting_name(whole)) {
        const auto after = trim(v.after_whole());
        const auto before = trim(v.before_whole());
        const bool key = after.starts_with(':') || after.starts_with("=>") ||
                         (after.starts_with(']') && before.ends_with('[')) ||
                         before.ends_with('(') || before.ends_with("name=") ||
                         before.ends_with("alias=");
        const bool tag =
            form.language == Language::kGo && v.whole.find(":\"") != std::string_view::npos;
        if (key || tag)
            return claim(v, Level::kError, Confidence::kLikely,
                         "a setting whose name holds the word");
    }
    // Struct tags, @Value("${spring.ai.ollama.base-url}"), dotted properties.
    if (v.string() &&
        (whole.find("spring.ai.") != std::string_view::npos ||
         whole.find("${") != std::string_view::npos ||
         whole.find("json:\"") != std::string_view::npos ||
         whole.find("yaml:\"") != std::string_view::npos ||
         whole.find("mapstructure:\"") != std::string_view::npos ||
         whole.find("env:\"") != std::string_view::npos ||
         whole.find("toml:\"") != std::string_view::npos) &&
        whole.find(' ') == std::string_view::npos)
        return claim(v, Level::kError, Confidence::kLikely, "a setting whose name holds the word");
    if (v.string() && form.language == Language::kGo && whole.find(":\"") != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kLikely, "a setting whose name holds the word");
    if (v.code() && v.before_name().ends_with('.')) {
        static constexpr std::string_view kOwners[] = {
            "settings",    "config", "cfg",         "conf",          "options",
            "opts",        "props",  "properties",  "configuration", "prefs",
            "preferences", "env",    "appsettings", "store",         "values"};
        const auto owner = v.before_name();
        const auto tail = owner.substr(owner.size() > 40 ? owner.size() - 40 : 0);
        const auto last = tail.find_last_of(" (,=[!{+");
        if (mentions(last == std::string_view::npos ? tail : tail.substr(last), kOwners) &&
            !v.after_name().starts_with("("))
            return claim(v, Level::kError, Confidence::kLikely, "reads a setting of Ollama");
    }
    return std::nullopt;
}

}  // namespace

const Rule kConfigKeyRule{
    110,
    "config_key",
    Level::kError,
    true,
    "a setting whose name holds the word",
    "The setting configures Ollama; whoever reads it breaks or keeps the dependency.",
    "Rename it with all its readers in one change (segue rewrite does), or keep the old name as a "
    "documented fallback during the dual step.",
    judge};

}  // namespace segue::audit
