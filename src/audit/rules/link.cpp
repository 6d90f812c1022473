// SEG125 link: a link to Ollama's site, registry or repository
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.is(TokenType::kLink)) return std::nullopt;
    return claim(v, Level::kWarning, Confidence::kCertain, "a link to Ollama's pages");
}

}  // namespace

const Rule kLinkRule{125,
                     "link",
                     Level::kWarning,
                     false,
                     "a link to Ollama's site, registry or repository",
                     "It sends people to the engine that was left.",
                     "Link to vLLM's documentation, or remove it.",
                     judge};

}  // namespace segue::audit
