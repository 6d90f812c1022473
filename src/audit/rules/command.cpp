// SEG117 command: Ollama's program, service or data folder in a command
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// "ollama pull llama3" anywhere in a string or a command.
bool runs_ollama(const View& v) {
    static constexpr std::string_view kVerbs[] = {
        "serve", "run", "pull", "push",  "list",      "ls", "show", "create", "cp",
        "rm",    "ps",  "stop", "start", "--version", "-v", "help", "signin"};
    const auto before = v.before_name();
    if (!(before.empty() ||
          std::string_view(" \"'`;&|($/\t=@!-").find(before.back()) != std::string_view::npos))
        return false;
    if (!iequals(v.name(), "ollama")) return false;
    if (v.code() && !v.cell() && v.form().code) return false;
    auto rest = v.after_name();
    if (!rest.starts_with(' ')) return false;
    rest = trim(rest);
    auto end = rest.find_first_of(" \t\"'`;|&)\\<,");
    const auto verb = rest.substr(0, end);
    for (const auto known : kVerbs)
        if (verb == known) {
            // "please run Ollama serve" is prose; a sentence that only names the verb needs an
            // argument or the end.
            return !v.sentence() || v.text.front() == 'o';
        }
    return false;
}

/// The command decides the line, not the tag or the name in it.
std::optional<Claim> first(std::optional<Claim> claim) {
    if (claim) claim->rank = 102;
    return claim;
}

bool in_argument_list(const View& v) {
    for (const std::string_view part :
         {"command", "args", "entrypoint", "healthcheck", "exec", "test"})
        if (v.path.find(part) != std::string_view::npos) return true;
    return false;
}

bool spawns(const View& v) {
    static constexpr std::string_view kSpawns[] = {
        "subprocess",     "Popen",    "exec",         "spawn",      "execFile", "execa",
        "ProcessBuilder", "which",    "check_output", "check_call", "LookPath", "ProcessStartInfo",
        "spawnSync",      "execSync", "execFileSync"};
    if (v.line.find("Command(") != std::string_view::npos) return true;
    if (mentions(v.line, kSpawns)) return true;
    const auto after = trim(v.after_whole());
    static constexpr std::string_view kNext[] = {"serve",  "run", "pull", "list", "show",
                                                 "create", "ps",  "rm",   "stop", "cp"};
    return after.starts_with(',') && mentions(after, kNext);
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs()) return std::nullopt;
    const auto form = v.form();
    if (v.is(TokenType::kLink))
        return v.text.find("install.sh") != std::string_view::npos ||
                       v.text.find("/download/") != std::string_view::npos
                   ? claim(v,
                           v.sentence() && !v.shell() && form.language != Language::kShell
                               ? Level::kWarning
                               : Level::kError,
                           Confidence::kCertain, "Ollama's installer")
                   : std::nullopt;
    if (!v.is(TokenType::kWord)) return std::nullopt;
    const auto around = v.code() && form.code ? std::string_view{} : v.text_around();
    if (around.find("/.ollama") != std::string_view::npos || around.starts_with(".ollama") ||
        around.find("/usr/share/ollama") != std::string_view::npos ||
        around.find("/usr/local/bin/ollama") != std::string_view::npos ||
        around.find("/usr/bin/ollama") != std::string_view::npos ||
        around.find("/var/lib/ollama") != std::string_view::npos ||
        around.find("ollama.service") != std::string_view::npos ||
        around.find("ollama.exe") != std::string_view::npos ||
        around.find("/bin/ollama") != std::string_view::npos)
        return claim(v, Level::kError, Confidence::kCertain,
                     "Ollama's program, service or data folder");
    if (form.language == Language::kSystemd)
        return claim(v, Level::kError, Confidence::kCertain, "a unit that runs or needs Ollama");
    if (runs_ollama(v))
        return first(claim(v, Level::kError, Confidence::kCertain, "runs Ollama's program"));
    if ((form.compose || form.kubernetes) && iequals(v.name(), "ollama") && in_argument_list(v))
        return first(claim(v, Level::kError, Confidence::kLikely, "runs Ollama's program"));
    const bool script = v.shell() || form.language == Language::kShell ||
                        form.language == Language::kPowerShell ||
                        form.language == Language::kMakefile;
    const bool spoken = v.string() && v.sentence() &&
                        (v.message() || v.line.find("echo ") != std::string_view::npos ||
                         v.line.find("printf ") != std::string_view::npos ||
                         v.line.find("Write-") != std::string_view::npos);
    if (script && !v.is_assignment() && !spoken)
        return claim(v, Level::kError, Confidence::kLikely, "a command that names Ollama");
    // An argument list that begins with the program: ["ollama", "pull", ...].
    if (v.string() && iequals(trim(v.whole), "ollama") && form.code && spawns(v))
        return first(claim(v, Level::kError, Confidence::kLikely, "spawns Ollama's program"));
    return std::nullopt;
}

}  // namespace

const Rule kCommandRule{117,
                        "command",
                        Level::kError,
                        true,
                        "Ollama's program, service or data folder in a command",
                        "The command starts or asks a server that is to go.",
                        "Use vllm serve, segue models, curl /health; remove pulls (vLLM loads its "
                        "model at start) and the unit files.",
                        judge};

}  // namespace segue::audit
