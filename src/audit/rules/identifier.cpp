// SEG119 identifier: a name of the code base that holds the word
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.token.role == Role::kLocalImport)
        return claim(v, Level::kWarning, Confidence::kCertain,
                     "imports a module that is named for Ollama");
    if (!v.is(TokenType::kWord)) return std::nullopt;
    const auto form = v.form();
    if (form.manifest && form.language == Language::kJson && v.region() == Region::kValue &&
        !v.sentence() && v.path.find("ependenc") == std::string_view::npos)
        return claim(v, Level::kWarning, Confidence::kLikely, "a name that holds the word");
    if (form.manifest || form.compose || form.kubernetes || form.ci || form.texts)
        return std::nullopt;
    if (v.code() && (form.code || form.language == Language::kHtml ||
                     form.language == Language::kCss || form.language == Language::kOther))
        return claim(v, Level::kWarning, Confidence::kCertain, "a name that holds the word");
    if (v.string() && !v.sentence() && (form.code || form.language == Language::kHtml))
        return claim(v, Level::kWarning, Confidence::kLikely, "a name that holds the word");
    if (v.region() == Region::kText && v.form().language == Language::kRazor)
        return claim(v, Level::kWarning, Confidence::kLikely, "a name that holds the word");
    return std::nullopt;
}

}  // namespace

const Rule kIdentifierRule{
    119,
    "identifier",
    Level::kWarning,
    false,
    "a name of the code base that holds the word",
    "It runs without Ollama, and tells readers and searches that it is still there.",
    "Rename it together with its readers; segue rewrite --to final does it for names that it can "
    "follow.",
    judge};

}  // namespace segue::audit
