// SEG104 base_url: the address or the port of the Ollama server
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

#include <cctype>

namespace segue::audit {
namespace {

/// A number alone is a port only where ports stand; in a string, a value or an address it always
/// is.
bool port_like(const View& v) {
    const auto before = v.before_token();
    const auto after = v.after_token();
    if (before.ends_with(':') || before.ends_with('=') || after.starts_with('/') ||
        after.starts_with(':'))
        return true;
    static constexpr std::string_view kPlaces[] = {
        "port",    "host",   "url",      "addr",   "address", "bind",   "listen",
        "expose",  "server", "endpoint", "socket", "tcp",     "ollama", "localhost",
        "connect", "nc",     "lsof",     "fuser",  "ufw",     "ports",  "base"};
    if (mentions(v.line, kPlaces) || has_word(v.line) || mentions(v.path, kPlaces)) return true;
    if (v.server == Server::kOllama || v.file_speaks_ollama) return true;
    static constexpr std::string_view kIds[] = {
        "id",       "price",  "amount", "zip",     "code",    "count", "total",  "size",
        "issue",    "pr",     "ticket", "invoice", "order",   "phone", "lat",    "lon",
        "seed",     "hash",   "bytes",  "length",  "offset",  "width", "height", "population",
        "revision", "steps",  "rows",   "ms",      "tokens",  "score", "sum",    "balance",
        "sku",      "number", "salary", "weight",  "distance"};
    if (mentions(v.line, kIds)) return false;
    return v.form().code || v.form().compose || v.form().kubernetes ||
           v.form().language == Language::kDockerfile;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().gitignore) return std::nullopt;
    if (v.is(TokenType::kPort)) {
        if (!port_like(v)) return std::nullopt;
        return claim(v, Level::kError, Confidence::kCertain, "the port of Ollama's server");
    }
    if (v.is(TokenType::kLearned)) {
        const auto learned = v.model.learned.find(v.text);
        if (learned == v.model.learned.end()) return std::nullopt;
        if (learned->second.carries == Carries::kPort)
            return claim(v, Level::kError, Confidence::kLikely,
                         "a port that leads to Ollama's server");
        if (learned->second.carries == Carries::kHost &&
            (v.before_token().ends_with("://") || v.before_token().ends_with("@") ||
             v.after_token().starts_with(":")))
            return claim(v, Level::kError, Confidence::kLikely, "a host that runs Ollama");
        return std::nullopt;
    }
    if (!v.is(TokenType::kWord)) return std::nullopt;
    // The word as the host of a URL: http://ollama, https://ollama.internal:443, tcp://my-ollama-1.
    const auto name = v.host_before();
    const auto tail = v.after_name();
    const bool url =
        name.find("://") != std::string_view::npos &&
        name.substr(name.rfind("://") + 3).find_first_of(" /?\"'") == std::string_view::npos;
    // "ollama.default.svc.cluster.local", "ollama:8434".
    const bool cluster = tail.find(".svc") < 40 && !v.code();
    std::size_t digits = 1;
    while (digits < tail.size() && tail[digits] >= '0' && tail[digits] <= '9')
        ++digits;
    const bool host_port =
        tail.starts_with(':') && digits >= 4 && digits <= 6 && !v.code() &&
        (digits == tail.size() || std::isalpha(static_cast<unsigned char>(tail[digits])) == 0);
    if ((url || cluster || host_port) && !v.model.is_own_name(v.name()))
        return claim(v, Level::kError, Confidence::kLikely, "the address of an Ollama server");
    return std::nullopt;
}

}  // namespace

const Rule kBaseUrlRule{104,
                        "base_url",
                        Level::kError,
                        true,
                        "the address or the port of the Ollama server",
                        "Nothing listens there once Ollama is off.",
                        "Point it at Segue (http://127.0.0.1:8484) for the drop-in step, at vLLM "
                        "(http://host:8000/v1) in the end; best through one environment variable.",
                        judge};

}  // namespace segue::audit
