// SEG111 indirect: Ollama's address, client or model travels here under another name
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.token.role == Role::kAddress)
        return claim(v, Level::kError, v.token.confidence,
                     "an address of Ollama travels here under another name");
    if (v.token.role == Role::kModel)
        return claim(v, Level::kError, v.token.confidence,
                     "a model's tag travels here under another name");
    if (v.is(TokenType::kLearned)) {
        const auto learned = v.model.learned.find(v.text);
        if (learned == v.model.learned.end()) return std::nullopt;
        if (learned->second.carries == Carries::kAddress)
            return claim(v, Level::kError, Confidence::kLikely,
                         "a name whose value is Ollama's address");
        if (learned->second.carries == Carries::kModel)
            return claim(v, Level::kError, Confidence::kLikely,
                         "a name whose value is a tag of Ollama's registry");
    }
    return std::nullopt;
}

}  // namespace

const Rule kIndirectRule{111,
                         "indirect",
                         Level::kError,
                         true,
                         "Ollama's address, client or model travels here under another name",
                         "The line holds no word to search for, and still leads to Ollama.",
                         "Follow the steps in `why` to the place that decides the value, and "
                         "change the name together with its readers.",
                         judge};

}  // namespace segue::audit
