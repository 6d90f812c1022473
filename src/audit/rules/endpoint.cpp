// SEG103 endpoint: a path of Ollama's native API that reaches the server
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// "https://api.acme.com" in front of the path: somebody else's server.
bool names_other_host(std::string_view host) {
    const auto scheme = host.rfind("://");
    if (scheme == std::string_view::npos) return false;
    const auto name = host.substr(scheme + 3);
    if (name.empty() || name.find_first_of("${%<+\"'`") != std::string_view::npos) return false;
    const auto bare = name.substr(0, name.find_first_of(":/"));
    return bare != "localhost" && bare != "127.0.0.1" && bare != "0.0.0.0" &&
           bare != "host.docker.internal";
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().proxy) return std::nullopt;
    if (v.token.role == Role::kTail)
        return claim(v, Level::kError, v.token.confidence,
                     "a path of Ollama's API on the server's address");
    if (v.is(TokenType::kLink) && v.text.find("registry.ollama.ai") != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kCertain, "an address of Ollama's registry");
    if (v.is(TokenType::kPort)) {
        const auto rest = v.after_token();
        if (rest.starts_with("/v1/") || rest.starts_with("/api/"))
            return claim(v, Level::kError, Confidence::kCertain, "a request to Ollama's server");
        return std::nullopt;
    }
    if (v.is(TokenType::kWord)) {
        // http://ollama/api/... and ${OLLAMA_URL}/v1/...: the word is the host.
        const auto rest = v.after_token();
        const auto slash = rest.find('/');
        const auto tail = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
        if (slash < 40 &&
            (tail.starts_with("/v1/chat") || tail.starts_with("/v1/models") ||
             tail.starts_with("/v1/completions") || tail.starts_with("/v1/embeddings")) &&
            rest.substr(0, slash).find_first_of(" \"'(") == std::string_view::npos)
            return claim(v, Level::kError, Confidence::kLikely, "a request to Ollama's server");
        return std::nullopt;
    }
    if (!v.is(TokenType::kPath)) return std::nullopt;
    const auto host = v.before_token();
    if (find_port(host) || has_word(host))
        return claim(v, Level::kError, Confidence::kCertain, "a path of Ollama's API");
    if (names_other_server(host) || names_other_host(host)) return std::nullopt;
    // A relative URL to a route that the project serves itself.
    if (v.model.routes.contains(v.text) && (host.empty() || v.server != Server::kOllama))
        return std::nullopt;
    if (v.message()) return std::nullopt;  // a text about it
    if (v.server == Server::kOllama)
        return claim(v, Level::kError, Confidence::kLikely,
                     "a path of Ollama's API, where the surroundings speak of it");
    return std::nullopt;
}

}  // namespace

const Rule kEndpointRule{103,
                         "endpoint",
                         Level::kError,
                         true,
                         "a path of Ollama's native API that reaches the server",
                         "vLLM does not serve /api/*: the request ends in 404 once Ollama is off.",
                         "Use /v1/chat/completions, /v1/completions, /v1/embeddings or /v1/models; "
                         "change the body and the reading of the reply with it.",
                         judge};

}  // namespace segue::audit
