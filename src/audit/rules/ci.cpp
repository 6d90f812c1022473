// SEG118 ci: a step or a service of a pipeline that needs Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || !v.form().ci || !(v.is(TokenType::kWord) || v.is(TokenType::kLearned)))
        return std::nullopt;
    return claim(v, Level::kError, Confidence::kCertain, "a part of a pipeline that needs Ollama");
}

}  // namespace

const Rule kCiRule{118,
                   "ci",
                   Level::kError,
                   true,
                   "a step or a service of a pipeline that needs Ollama",
                   "The pipeline stays red, or keeps testing against Ollama.",
                   "Start Segue's rehearsal engine instead (segue rehearse engine --dialect vllm) "
                   "and test against it.",
                   judge};

}  // namespace segue::audit
