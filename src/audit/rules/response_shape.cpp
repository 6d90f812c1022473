// SEG109 response_shape: a native reply is read or declared
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().texts) return std::nullopt;
    if (v.token.role == Role::kReply)
        return claim(v, Level::kError, v.token.confidence, "reads a reply in Ollama's shape");
    if (v.is(TokenType::kReplyField)) {
        const bool sql = v.form().language == Language::kSql;
        if (v.server == Server::kOther && !v.file_speaks_ollama) return std::nullopt;
        const bool unique = v.text.find("eval") != std::string_view::npos ||
                            v.text.find("Eval") != std::string_view::npos;
        if (!(v.file_speaks_ollama || v.server == Server::kOllama || unique) || sql)
            return std::nullopt;
        return claim(v, Level::kError, Confidence::kLikely, "a field of Ollama's reply");
    }
    return std::nullopt;
}

}  // namespace

const Rule kResponseShapeRule{
    109,
    "response_shape",
    Level::kError,
    true,
    "a native reply is read or declared",
    "vLLM answers in another shape: the field is missing and the program shows nothing or fails.",
    "Read choices[0].message.content (stream: choices[0].delta.content), data[].embedding, "
    "usage.prompt_tokens and usage.completion_tokens.",
    judge};

}  // namespace segue::audit
