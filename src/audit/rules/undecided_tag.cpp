// SEG154 undecided_tag: a name in the form of a model tag, without a sign of Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (v.comment() || !v.is(TokenType::kTag) || v.server == Server::kOther) return std::nullopt;
    if (!find_tag(v.text)->family_known) return std::nullopt;
    return claim(v, Level::kNote, Confidence::kPossible, "may be a tag of Ollama's registry");
}

}  // namespace

const Rule kUndecidedTagRule{
    154,
    "undecided_tag",
    Level::kNote,
    false,
    "a name in the form of a model tag, without a sign of Ollama",
    "It may be a tag of Ollama's registry or something else of that form.",
    "Look at who reads it; allow it with a reason when it is something else.",
    judge};

}  // namespace segue::audit
