// SEG122 ui_text: a text that people read: messages, labels, logs
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    const auto form = v.form();
    if (form.compose || form.kubernetes || form.ci || form.proxy) return std::nullopt;
    // "try llama3.1:8b instead", "cannot reach /api/show".
    if ((v.is(TokenType::kTag) || v.is(TokenType::kPath)) &&
        (v.string() || v.region() == Region::kValue) && v.message() &&
        (v.server == Server::kOllama || (v.file_speaks_ollama && v.server != Server::kOther)) &&
        !v.model.routes.contains(v.text))
        return claim(v, Level::kWarning, Confidence::kLikely, "a text that names a part of Ollama");
    if (!v.is(TokenType::kWord) && !v.is(TokenType::kLink)) return std::nullopt;
    if (form.texts) {
        Claim found =
            *claim(v, Level::kWarning, Confidence::kCertain, "an interface text that names Ollama");
        found.rank = 101;
        return found;
    }
    if (v.region() == Region::kText || (v.string() && v.sentence()) ||
        ((form.language == Language::kJson || form.language == Language::kYaml) &&
         v.region() == Region::kValue && v.sentence()))
        return claim(v, Level::kWarning, Confidence::kLikely, "a text that names Ollama");
    if (v.cell()) return claim(v, Level::kWarning, Confidence::kLikely, "a text that names Ollama");
    if (form.manifest &&
        (v.key == "description" || v.path.find("keywords") != std::string_view::npos))
        return claim(v, Level::kWarning, Confidence::kLikely, "a description that names Ollama");
    return std::nullopt;
}

}  // namespace

const Rule kUiTextRule{122,
                       "ui_text",
                       Level::kWarning,
                       false,
                       "a text that people read: messages, labels, logs",
                       "People are told of an engine that is no longer there.",
                       "Name the model or the assistant, not the engine.",
                       judge};

}  // namespace segue::audit
