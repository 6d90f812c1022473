// SEG155 undecided_path: a path, an option or a field that Ollama's API has too, without a sign of
// Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.is(TokenType::kPath) && !v.model.routes.contains(v.text) && !v.form().test &&
        v.server != Server::kOther && v.before_token().find("://") == std::string_view::npos &&
        v.text != "/api/version")
        return claim(v, Level::kNote, Confidence::kPossible, "may be a path of Ollama's API");
    if (v.is(TokenType::kOption) && v.server == Server::kUnknown)
        return claim(v, Level::kNote, Confidence::kPossible, "may be an option of Ollama");
    return std::nullopt;
}

}  // namespace

const Rule kUndecidedPathRule{
    155,
    "undecided_path",
    Level::kNote,
    false,
    "a path, an option or a field that Ollama's API has too, without a sign of Ollama",
    "It may reach Ollama, or be a route of the project or of another server.",
    "Look at the server that it is sent to; allow it with a reason when it is another one.",
    judge};

}  // namespace segue::audit
