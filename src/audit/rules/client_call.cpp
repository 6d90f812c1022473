// SEG102 client_call: a client of Ollama is made, called, typed or handed on
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

#include <cctype>

namespace segue::audit {
namespace {

bool is_definition(std::string_view before) {
    static constexpr std::string_view kWords[] = {
        "class", "interface", "struct", "enum",  "def",       "func",   "fn",
        "type",  "function",  "record", "trait", "namespace", "package"};
    const auto left = trim(before);
    for (const auto word : kWords)
        if (left.ends_with(word)) return true;
    return false;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    if (v.token.role == Role::kClient)
        return claim(v, Level::kError, v.token.confidence,
                     "uses a client that speaks Ollama's protocol");
    if (!v.is(TokenType::kWord)) return std::nullopt;
    if (!(v.code() && (v.form().code)) && !v.cell()) return std::nullopt;
    const auto language = v.form().language;
    if (is_import_line(trim(v.line), language)) return std::nullopt;
    std::string_view whole = v.whole;
    std::string_view after = v.after_whole();
    std::string_view before = v.before_whole();
    if (v.cell()) {
        whole = v.name();
        after = v.after_name();
        before = v.before_name();
    }
    if (v.model.defined.contains(whole)) return std::nullopt;  // the project's own: SEG119
    const bool called = after.starts_with('(') || after.starts_with("::new(") ||
                        after.starts_with(".builder(") || after.starts_with("::default(") ||
                        after.starts_with("{");
    const bool made = trim(before).ends_with("new");
    if (iequals(whole, "ollama") && after.starts_with('.')) {
        auto end = std::size_t{1};
        while (end < after.size() &&
               (std::isalnum(static_cast<unsigned char>(after[end])) != 0 || after[end] == '_'))
            ++end;
        const auto member = after.substr(1, end - 1);
        if (is_client_method(member) || member == "Client" || member == "AsyncClient" ||
            member == "ResponseError" || member == "New")
            return claim(v, Level::kError, Confidence::kLikely, "calls Ollama's client");
    }
    if (!is_connector(whole)) return std::nullopt;
    if (called || made)
        return claim(v, Level::kError, Confidence::kLikely,
                     "makes a client that speaks Ollama's protocol");
    // A member of an enum or of an object is a choice, not the class.
    if (trim(before).empty() && (after.empty() || after.starts_with(',') ||
                                 trim(after).starts_with('=') || trim(after).starts_with(':')))
        return std::nullopt;
    // The class as a type, as a value or as a base.
    if (std::isupper(static_cast<unsigned char>(whole.front())) != 0 && !is_definition(before))
        return claim(v, Level::kError, Confidence::kLikely, "names a class of Ollama's client");
    return std::nullopt;
}

}  // namespace

const Rule kClientCallRule{
    102,
    "client_call",
    Level::kError,
    true,
    "a client of Ollama is made, called, typed or handed on",
    "The call goes to Ollama's native protocol and fails once Ollama is off.",
    "Make one OpenAI-compatible client (base_url of Segue or vLLM ending in /v1) and call "
    "chat.completions or embeddings on it.",
    judge};

}  // namespace segue::audit
