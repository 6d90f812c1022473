// SEG112 dependency: a package of Ollama is declared or installed
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (v.comment() || !(v.is(TokenType::kWord) ||
                         (v.is(TokenType::kLink) && v.file.source.path().ends_with("go.mod"))))
        return std::nullopt;
    const auto line = to_lower(v.line);
    static constexpr std::string_view kInstallers[] = {
        "pip install", "pip3 install", "uv add",     "uv pip install", "poetry add",
        "npm install", "npm i ",       "yarn add",   "pnpm add",       "bun add",
        "go get",      "cargo add",    "dotnet add", "pipx install",   "conda install",
        "deno add",    "pip download"};
    if (v.form().doc) return std::nullopt;
    for (const auto installer : kInstallers)
        if (const auto at = line.find(installer);
            at != std::string::npos && has_word(std::string_view(line).substr(at)))
            return claim(v, Level::kError, Confidence::kCertain, "installs a package of Ollama");
    if (!v.form().manifest) return std::nullopt;
    if (v.form().language == Language::kPython && !v.string())
        return std::nullopt;  // setup.py's own code
    if (v.model.is_own_name(v.name())) return std::nullopt;
    // Scripts and descriptions of a package.json are no dependencies.
    if (v.path.starts_with("scripts") || v.path.starts_with("tool.poe") ||
        v.path.starts_with("project.scripts") || v.path.starts_with("tool.taskipy"))
        return std::nullopt;
    if (v.form().language == Language::kJson && v.path.find("ependenc") == std::string_view::npos &&
        v.path.find("overrides") == std::string_view::npos &&
        v.path.find("resolutions") == std::string_view::npos &&
        v.path.find("require") == std::string_view::npos &&
        v.path.find("imports") == std::string_view::npos)
        return std::nullopt;
    if (v.key == "description" || v.key == "keywords" ||
        v.path.find("keywords") != std::string_view::npos ||
        v.path.find("description") != std::string_view::npos)
        return std::nullopt;
    return claim(v, Level::kError, Confidence::kCertain, "a dependency on Ollama's packages");
}

}  // namespace

const Rule kDependencyRule{
    112,
    "dependency",
    Level::kError,
    true,
    "a package of Ollama is declared or installed",
    "The dependency stays in every build, and its import keeps working unnoticed.",
    "Remove it when no import is left, add the OpenAI-compatible client in the file's own style, "
    "and regenerate the lock file.",
    judge};

}  // namespace segue::audit
