// SEG124 doc: documentation that speaks of Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.form().doc) return std::nullopt;
    if (v.is(TokenType::kWord))
        return claim(v, Level::kWarning, Confidence::kCertain, "documentation that names Ollama");
    if (v.is(TokenType::kPort) && (v.file_speaks_ollama || v.before_token().ends_with(':')))
        return claim(v, Level::kWarning, Confidence::kLikely,
                     "documentation that names Ollama's port");
    if (v.is(TokenType::kTag) && v.server != Server::kOther) {
        const bool known = find_tag(v.text)->family_known;
        if (known && v.file_speaks_ollama)
            return claim(v, Level::kWarning, Confidence::kLikely,
                         "documentation that names a tag of Ollama's registry");
        if (!known && v.server == Server::kOllama && !v.text.ends_with(":latest"))
            return claim(v, Level::kWarning, Confidence::kLikely, "documentation that names a tag");
    }
    if ((v.is(TokenType::kOption) || v.is(TokenType::kReplyField)) && v.file_speaks_ollama &&
        v.server != Server::kOther)
        return claim(v, Level::kWarning, Confidence::kLikely,
                     "documentation of a part of Ollama's API");
    if (v.is(TokenType::kPath) && v.server == Server::kOllama && !v.model.routes.contains(v.text))
        return claim(v, Level::kWarning, Confidence::kLikely,
                     "documentation of a part of Ollama's API");
    if (v.is(TokenType::kFamily) && v.server != Server::kOther &&
        (v.server == Server::kOllama || v.file_speaks_ollama))
        return claim(v, Level::kWarning,
                     v.stands_alone() ? Confidence::kLikely : Confidence::kPossible,
                     "documentation that names a model of Ollama's library");
    if (v.is(TokenType::kLearned)) {
        const auto learned = v.model.learned.find(v.text);
        if (learned != v.model.learned.end() && learned->second.carries != Carries::kService &&
            learned->second.carries != Carries::kVolume &&
            learned->second.carries != Carries::kHost)
            return claim(v, Level::kWarning, Confidence::kLikely,
                         "documentation of a name that leads to Ollama");
    }
    return std::nullopt;
}

}  // namespace

const Rule kDocRule{124,
                    "doc",
                    Level::kWarning,
                    false,
                    "documentation that speaks of Ollama",
                    "Readers set up and call a server that is no longer there.",
                    "Describe the new engine; segue rewrite changes words and commands that it "
                    "knows and lists the sentences that it does not.",
                    judge};

}  // namespace segue::audit
