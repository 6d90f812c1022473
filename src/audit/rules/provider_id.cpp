// SEG106 provider_id: \"ollama\" as the choice of an engine
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

#include <cctype>

namespace segue::audit {
namespace {

/// "openai|ollama|vllm", "('openai','ollama')", "openai,ollama".
bool in_choice_list(const View& v) {
    const auto before = v.before_name();
    const auto after = v.after_name();
    if (!iequals(v.name(), "ollama")) return false;
    const char left = before.empty() ? ' ' : before.back();
    const char right = after.empty() ? ' ' : after.front();
    const auto list = [](char c) { return c == '|' || c == ','; };
    return list(left) || list(right) || (left == '\'' && right == '\'');
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.token.role == Role::kProviderKey)
        return claim(v, Level::kError, v.token.confidence, "chooses the engine by Ollama's name");
    if (!v.is(TokenType::kWord)) return std::nullopt;
    const auto form = v.form();
    if (form.manifest || form.compose || form.kubernetes || form.ci || form.texts || form.proxy ||
        form.gitignore || v.shell())
        return std::nullopt;
    if (form.language == Language::kDockerfile || form.language == Language::kMakefile ||
        form.language == Language::kSystemd)
        return std::nullopt;
    auto whole = trim(v.whole);
    while (whole.size() >= 2 && (whole.front() == '"' || whole.front() == '\''))
        whole = whole.substr(1, whole.find_last_not_of("\"',") == std::string_view::npos
                                    ? whole.size() - 2
                                    : whole.find_last_not_of("\"',"));
    const bool literal = v.string() || v.region() == Region::kValue;
    const bool exact = iequals(whole, "ollama");
    const bool prefixed = istarts_with(whole, "ollama/") || istarts_with(whole, "ollama_chat/") ||
                          istarts_with(whole, "ollama:") || istarts_with(whole, "ollama://");
    if (istarts_with(whole, "ollama/ollama")) return std::nullopt;  // the image
    if (literal && (exact || (prefixed && whole.find(' ') == std::string_view::npos)))
        return claim(v, Level::kError, Confidence::kCertain, "chooses the engine by Ollama's name");
    if (literal && v.text_around().find("ollama://") != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kCertain,
                     "an address in Ollama's own URL scheme");
    if (literal && whole.find("application/vnd.ollama") != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kCertain, "a media type of Ollama's registry");
    if (literal &&
        (form.language == Language::kJson &&
         (v.key == "type" || v.key == "credentials" || v.key == "name" || v.key == "nodeType")) &&
        whole.find(' ') == std::string_view::npos)
        return claim(v, Level::kError, Confidence::kLikely, "a node or credential type of Ollama");
    // A map key, a member of an enum, a case.
    if (v.code() && iequals(v.name(), "ollama") && form.code) {
        const auto after = trim(v.after_name());
        const auto before = trim(v.before_name());
        if ((after.starts_with(':') && !after.starts_with("::") &&
             (before.empty() || before.ends_with('{') || before.ends_with(','))) ||
            (before.empty() &&
             (after == "," || after == "" || after.starts_with("= ") || after.starts_with("=\"") ||
              after.starts_with("(\"")) &&
             std::isupper(static_cast<unsigned char>(v.name().front())) != 0))
            return claim(v, Level::kError, Confidence::kLikely, "Ollama as a member of a choice");
        static constexpr std::string_view kChoices[] = {
            "provider", "backend", "engine", "providers", "kind", "source", "vendor"};
        if (v.before_name().ends_with('.') && mentions(v.before_name(), kChoices))
            return claim(v, Level::kError, Confidence::kLikely,
                         "chooses the engine by Ollama's name");
        if (v.before_name().ends_with('.') || v.before_name().ends_with("::")) {
            const auto owner = trim(v.before_name());
            for (const auto choice : {"Provider", "Backend", "Engine", "Kind", "Type", "Source",
                                      "Vendor", "PROVIDERS", "Mode", "Platform", "Runtime"})
                if (owner.substr(0, owner.find_last_not_of(".:") + 1).ends_with(choice))
                    return claim(v, Level::kError, Confidence::kLikely,
                                 "chooses the engine by Ollama's name");
        }
    }
    if (form.language == Language::kSql && v.string() && exact)
        return claim(v, Level::kError, Confidence::kCertain, "Ollama as a stored choice");
    // A word among several in one string: CHECK lists, CEL and regular expressions, comma lists.
    if (literal && whole.size() < 200 && in_choice_list(v))
        return claim(v, Level::kError, Confidence::kLikely, "Ollama as a member of a choice");
    return std::nullopt;
}

}  // namespace

const Rule kProviderIdRule{106,
                           "provider_id",
                           Level::kError,
                           true,
                           "\"ollama\" as the choice of an engine",
                           "Code that chooses the engine by this name has no branch to go to once "
                           "Ollama is gone; stored values keep choosing it.",
                           "Add the new provider's id, migrate stored values (read the old one, "
                           "write the new one), then remove this one with its labels and keys.",
                           judge};

}  // namespace segue::audit
