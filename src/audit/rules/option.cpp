// SEG108 option: a field of a native request: num_ctx, keep_alive, options and the like
#include <algorithm>
#include <iterator>

#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// Elsewhere in the file it is true or false: connections are kept alive, or conversations.
bool is_a_switch(const View& v) {
    const auto text = v.file.source.text();
    static constexpr std::string_view kSwitch[] = {"true", "false", "bool"};
    auto at = text.find(v.text);
    for (int looked = 0; at != std::string_view::npos && looked < 64; ++looked) {
        const auto after = trim_left(text.substr(at + v.text.size(), 40));
        const auto value =
            after.substr(std::min(after.find_first_not_of("\"'?:=( "), after.size()));
        if (value.size() < after.size() &&
            std::any_of(std::begin(kSwitch), std::end(kSwitch),
                        [&](std::string_view word) { return istarts_with(value, word); }))
            return true;
        at = text.find(v.text, at + v.text.size());
    }
    return false;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().texts) return std::nullopt;
    if (v.token.role == Role::kOption)
        return claim(v, Level::kError, v.token.confidence, "a field of a native request");
    if (v.is(TokenType::kOption)) {
        // LLM_NUM_CTX, calculateNumCtx: a knob of the project for it.
        if (!is_own_option(v.text) && !(v.server == Server::kOllama || v.file_speaks_ollama))
            return std::nullopt;
        if (v.server == Server::kOther && !v.file_speaks_ollama) return std::nullopt;
        if (v.server == Server::kOther && names_other_server(v.line)) return std::nullopt;
        const bool sure = v.server == Server::kOllama || v.file_speaks_ollama ||
                          v.text.find("predict") != std::string_view::npos ||
                          v.text.find("ctx") != std::string_view::npos ||
                          v.text.find("Ctx") != std::string_view::npos ||
                          v.text.find("Predict") != std::string_view::npos ||
                          v.text.find("repeat") != std::string_view::npos ||
                          v.text.find("mirostat") != std::string_view::npos ||
                          v.text.find("num_thread") != std::string_view::npos;
        if (!sure) return std::nullopt;  // num_gpu, num_batch: other frameworks have them too
        return claim(v, Level::kError, Confidence::kLikely, "an option that only Ollama takes");
    }
    if (v.is(TokenType::kSharedOption) && v.file_speaks_ollama && v.server != Server::kOther &&
        !v.sentence() && !is_a_switch(v))
        return claim(v, Level::kError, Confidence::kLikely,
                     "how long Ollama keeps the model loaded");
    return std::nullopt;
}

}  // namespace

const Rule kOptionRule{
    108,
    "option",
    Level::kError,
    true,
    "a field of a native request: num_ctx, keep_alive, options and the like",
    "vLLM ignores or refuses it; the length of the context and of the answer change in silence.",
    "num_predict becomes max_tokens; num_ctx becomes vLLM's --max-model-len; the rest goes to "
    "extra_body or away (docs/compatibility.md).",
    judge};

}  // namespace segue::audit
