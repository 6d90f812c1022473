// SEG116 proxy: a proxy that leads to Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    const bool token = v.is(TokenType::kWord) || v.is(TokenType::kPort) || v.is(TokenType::kPath) ||
                       v.is(TokenType::kLearned);
    if (v.form().doc || !token) return std::nullopt;
    if (v.form().proxy) {
        if (v.comment()) {
            const bool upstream = v.is(TokenType::kPort) ||
                                  v.line.find("proxy_pass") != std::string_view::npos ||
                                  v.line.find("server ") != std::string_view::npos ||
                                  v.line.find("upstream") != std::string_view::npos ||
                                  v.line.find("reverse_proxy") != std::string_view::npos;
            if (!upstream) return std::nullopt;
            Claim commented =
                *claim(v, Level::kWarning, Confidence::kLikely, "a commented upstream of Ollama");
            commented.rank = 102;
            return commented;
        }
        if (v.is(TokenType::kPath) && !has_word(v.line) && !find_port(v.line)) return std::nullopt;
        Claim found =
            *claim(v, Level::kError, Confidence::kCertain, "a proxy that leads to Ollama");
        found.rank = 102;
        return found;
    }
    // The development proxy of Vite, webpack, Next and Nuxt.
    const auto path = to_lower(v.file.source.path());
    const bool config = path.find("vite.config") != std::string::npos ||
                        path.find("webpack") != std::string::npos ||
                        path.find("vue.config") != std::string::npos ||
                        path.find("next.config") != std::string::npos ||
                        path.find("nuxt.config") != std::string::npos ||
                        path.find("proxy.conf") != std::string::npos ||
                        path.find("setupproxy") != std::string::npos ||
                        path.find("svelte.config") != std::string::npos;
    if (config && !v.comment() &&
        v.file.source.text().find("roxy") + v.file.source.text().find("rewrites") !=
            std::string_view::npos) {
        if (v.is(TokenType::kPath) && !v.file_speaks_ollama) return std::nullopt;
        if (v.is(TokenType::kWord) && v.code() && !iequals(v.name(), "ollama")) return std::nullopt;
        Claim found = *claim(v, Level::kError, Confidence::kLikely,
                             "a development proxy that leads to Ollama");
        found.rank = 102;
        return found;
    }
    return std::nullopt;
}

}  // namespace

const Rule kProxyRule{
    116,
    "proxy",
    Level::kError,
    true,
    "a proxy that leads to Ollama",
    "The route ends at a server that will be gone; streams need buffering off when it changes.",
    "Rename the upstream, point it at Segue or vLLM, forward /v1, and switch buffering off for "
    "event streams.",
    judge};

}  // namespace segue::audit
