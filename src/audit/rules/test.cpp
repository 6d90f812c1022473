// SEG121 test: a test that patches, fakes or sets up Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || !v.form().test) return std::nullopt;
    if (v.token.role == Role::kReply || (v.is(TokenType::kReplyField) && v.file_speaks_ollama)) {
        if (v.token.role == Role::kReply) return std::nullopt;
        return claim(v, Level::kWarning, Confidence::kLikely, "a fake reply in Ollama's shape");
    }
    if (!v.is(TokenType::kWord) || !v.form().code) return std::nullopt;
    static constexpr std::string_view kPatches[] = {
        "patch", "setenv", "monkeypatch", "mock",  "mocker",        "stubEnv",
        "spyOn", "jest",   "vi",          "respx", "responses",     "fixture",
        "stub",  "delenv", "Setenv",      "nock",  "unstubAllEnvs", "setattr"};
    if (mentions(v.line, kPatches) && !is_import_line(trim(v.line), v.form().language)) {
        Claim found = *claim(v, Level::kWarning, Confidence::kCertain,
                             "a test that patches or sets up Ollama");
        found.rank = 101;
        return found;
    }
    return claim(v, Level::kWarning, Confidence::kLikely, "a test that names Ollama");
}

}  // namespace

const Rule kTestRule{121,
                     "test",
                     Level::kWarning,
                     false,
                     "a test that patches, fakes or sets up Ollama",
                     "The test describes the old engine and passes for the wrong reason.",
                     "Let tests speak to Segue's rehearsal engine, and change names and fake "
                     "replies with the code that they test.",
                     judge};

}  // namespace segue::audit
