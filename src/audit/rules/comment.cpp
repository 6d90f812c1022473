// SEG123 comment: a comment or docstring that speaks of Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.comment() || v.form().doc) return std::nullopt;
    if (v.is(TokenType::kWord) || v.is(TokenType::kLink))
        return claim(v, Level::kWarning, Confidence::kCertain, "a comment that names Ollama");
    if (v.is(TokenType::kPort) && (v.before_token().ends_with(':') || v.file_speaks_ollama ||
                                   to_lower(v.line).find("port") != std::string::npos))
        return claim(v, Level::kWarning, Confidence::kLikely, "a comment that names Ollama's port");
    if (v.is(TokenType::kTag) && find_tag(v.text)->family_known && v.server != Server::kOther)
        return claim(
            v, v.file_speaks_ollama || v.server == Server::kOllama ? Level::kWarning : Level::kNote,
            Confidence::kLikely, "a comment that names a tag of Ollama's registry");
    if (v.is(TokenType::kFamily) && v.file_speaks_ollama && v.server != Server::kOther)
        return claim(v, Level::kWarning,
                     v.stands_alone() ? Confidence::kLikely : Confidence::kPossible,
                     "a comment that names a model of Ollama's library");
    if ((v.is(TokenType::kPath) || v.is(TokenType::kOption) || v.is(TokenType::kReplyField)) &&
        v.file_speaks_ollama && v.server != Server::kOther && !v.model.routes.contains(v.text))
        return claim(v, Level::kWarning, Confidence::kLikely,
                     "a comment that names a part of Ollama's API");
    return std::nullopt;
}

}  // namespace

const Rule kCommentRule{
    123,
    "comment",
    Level::kWarning,
    false,
    "a comment or docstring that speaks of Ollama",
    "It tells the next reader something that is no longer true.",
    "Rewrite the sentence for the engine that is used, or remove commented-out code.",
    judge};

}  // namespace segue::audit
