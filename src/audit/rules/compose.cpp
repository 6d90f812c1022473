// SEG114 compose: a part of a compose file that belongs to the Ollama service
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.form().gitignore && v.is(TokenType::kWord))
        return claim(v, Level::kError, Confidence::kLikely, "a data folder of the Ollama service");
    if (!v.form().compose) return std::nullopt;
    if (v.is(TokenType::kWord))
        return claim(v, Level::kError, Confidence::kCertain, "belongs to the Ollama service");
    if (const auto learned = v.model.learned.find(v.text);
        v.is(TokenType::kLearned) && learned != v.model.learned.end() &&
        learned->second.carries != Carries::kAddress && learned->second.carries != Carries::kModel)
        return claim(v, Level::kError, Confidence::kLikely,
                     "names a service, volume or value of the Ollama service");
    return std::nullopt;
}

}  // namespace

const Rule kComposeRule{
    114,
    "compose",
    Level::kError,
    true,
    "a part of a compose file that belongs to the Ollama service",
    "The service, its volumes and whoever waits for it hold the stack on Ollama.",
    "Replace the service by vLLM with a GPU reservation and a health check with a long start "
    "period; rename volumes and depends_on together.",
    judge};

}  // namespace segue::audit
