// SEG101 import: a package of Ollama, or of a framework's connector to it, is brought in
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// What an import line names as its module, in any of the languages.
std::string_view imported_module(std::string_view line) {
    // JavaScript: the last quoted string; also require('x'), import('x').
    for (const char quote : {'\'', '"', '`'}) {
        const auto close = line.rfind(quote);
        if (close == std::string_view::npos || close == 0) continue;
        const auto open = line.rfind(quote, close - 1);
        if (open != std::string_view::npos && close > open + 1)
            return line.substr(open + 1, close - open - 1);
    }
    std::string_view rest;
    if (line.starts_with("from "))
        rest = line.substr(5);
    else if (line.starts_with("import static "))
        rest = line.substr(14);
    else if (line.starts_with("import "))
        rest = line.substr(7);
    else if (line.starts_with("global using "))
        rest = line.substr(13);
    else if (line.starts_with("using "))
        rest = line.substr(6);
    else if (line.starts_with("pub use "))
        rest = line.substr(8);
    else if (line.starts_with("use "))
        rest = line.substr(4);
    else if (line.starts_with("@using "))
        rest = line.substr(7);
    else
        return {};
    rest = trim(rest);
    if (const auto is = rest.find("= "); is != std::string_view::npos && is < 40)
        rest = trim(rest.substr(is + 2));
    // Two on one line: the one with the word counts.
    const auto word = find_word(rest);
    if (rest.find(" import ") == std::string_view::npos && word) {
        const auto name = name_around(rest, *word, "_-./:");
        return rest.substr(name.begin, name.end - name.begin);
    }
    return rest.substr(0, rest.find_first_of(" ;,{"));
}

/// `from langchain_community.llms import Ollama`: the module does not say it, the name does.
bool imports_connector(std::string_view line, std::string_view module) {
    static constexpr std::string_view kFrameworks[] = {"langchain",
                                                       "llama_index",
                                                       "haystack",
                                                       "semantic_kernel",
                                                       "pydantic_ai",
                                                       "autogen",
                                                       "crewai",
                                                       "dspy",
                                                       "instructor",
                                                       "agno",
                                                       "phi.",
                                                       "litellm",
                                                       "chromadb",
                                                       "@langchain",
                                                       "llamaindex",
                                                       "@llamaindex",
                                                       "ai-sdk",
                                                       "mem0",
                                                       "smolagents",
                                                       "embedchain",
                                                       "camel",
                                                       "org.springframework.ai",
                                                       "dev.langchain4j",
                                                       "Microsoft.",
                                                       "testcontainers",
                                                       "org.testcontainers",
                                                       "lightrag",
                                                       "txtai",
                                                       "guidance",
                                                       "marvin"};
    for (const auto framework : kFrameworks)
        if (module.starts_with(framework)) return has_word(line);
    return false;
}

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || v.form().manifest) return std::nullopt;
    if (v.token.role == Role::kImport)
        return claim(v, Level::kError, Confidence::kCertain,
                     "brings in a package that speaks Ollama's protocol");
    if (!v.is(TokenType::kWord) && !v.is(TokenType::kLink)) return std::nullopt;
    const auto language = v.form().language;
    if (!v.form().code && !v.cell()) return std::nullopt;
    // A Go import block has one path a line.
    if (language == Language::kGo && v.string() &&
        (v.whole.starts_with("github.com/ollama/") || v.whole.ends_with("/llms/ollama")))
        return claim(v, Level::kError, Confidence::kCertain, "imports an Ollama package");
    if (!v.is(TokenType::kWord)) return std::nullopt;
    const auto line = v.cell() ? trim(v.whole) : trim(v.line);
    if (!is_import_line(line, v.cell() ? Language::kPython : language)) return std::nullopt;
    const auto module = imported_module(line);
    if (module.empty() || !has_word(line)) return std::nullopt;
    if (v.model.is_local_module(module, v.file.source.path())) return std::nullopt;
    if (!is_ollama_package(module) && !imports_connector(line, module)) return std::nullopt;
    return claim(v, Level::kError, Confidence::kCertain, "imports an Ollama package");
}

}  // namespace

const Rule kImportRule{
    101,
    "import",
    Level::kError,
    true,
    "a package of Ollama, or of a framework's connector to it, is brought in",
    "The package speaks Ollama's protocol: it fails, or keeps the dependency, once Ollama is off.",
    "Import an OpenAI-compatible client instead (openai, langchain-openai, "
    "@ai-sdk/openai-compatible) and point it at Segue or vLLM.",
    judge};

}  // namespace segue::audit
