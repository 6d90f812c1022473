// final: package manifests. A dependency on Ollama's packages goes when no import of it is left;
// its successor comes in the file's own style.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

struct Package {
    std::string_view old;
    std::string_view fresh;
    std::string_view exact;    // where the old one was pinned
    std::string_view minimum;  // else
};

// Versions that were tried together (2026-11).
constexpr std::array kPython{
    Package{"ollama", "openai", "3.54.0", "3.54"},
    Package{"langchain-ollama", "langchain-openai", "1.7.3", "1.7"},
    Package{"langchain_ollama", "langchain-openai", "1.7.3", "1.7"},
    Package{"llama-index-llms-ollama", "llama-index-llms-openai-like", "", ""},
    Package{"llama-index-embeddings-ollama", "llama-index-embeddings-openai-like", "", ""},
};
constexpr std::array kNode{
    Package{"ollama", "openai", "6.49.0", "6.49.0"},
    Package{"@langchain/ollama", "@langchain/openai", "", ""},
    Package{"ollama-ai-provider", "@ai-sdk/openai-compatible", "", ""},
    Package{"ollama-ai-provider-v2", "@ai-sdk/openai-compatible", "", ""},
};

bool package_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ||
           c == '@' || c == '/';
}

/// Ollama packages that some source file of the tree still brings in.
bool still_imported(const Workspace& workspace, const Context& context, bool node) {
    for (const auto& finding : context.report.findings) {
        if (finding.rule != 101 || finding.level == audit::Level::kNote) continue;
        const auto at = workspace.files.find(finding.path);
        if (at == workspace.files.end()) continue;
        const bool python = at->second.language() == Language::kPython ||
                            at->second.language() == Language::kNotebook;
        if (python != node) return true;
    }
    return false;
}

/// A package that the manifest names besides.
bool names_package(std::string_view text, std::string_view name) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
        const bool begins = at == 0 || !package_char(text[at - 1]);
        const auto end = at + name.size();
        if (begins && (end == text.size() || !package_char(text[end]))) return true;
    }
    return false;
}

/// Which provider of the AI SDK fits the `ai` of the manifest.
std::string_view provider_version(std::string_view text) {
    const auto at = text.find("\"ai\":");
    if (at == text.npos) return "";
    const auto digit = text.find_first_of("0123456789", at);
    if (digit == text.npos) return "";
    switch (text[digit]) {
        case '4': return "0.2.0";
        case '5': return "1.0.0";
        case '6': return "2.0.0";
        case '7': return "3.0.0";
        default: return "";
    }
}

class Manifest {
public:
    Manifest(const File& file, const Context& context, bool node)
        : file_(file), findings_(file, context.report), node_(node) {
        group_.rule = 112;
        group_.what = "dependencies in " + file.path;
    }

    Group run() {
        for (const auto& [begin, list] : findings_.lines()) {
            const auto line = line_around(file_.text, begin);
            if (!findings_.has(begin, 112) && !names_dependency(line)) continue;
            if (node_)
                package_json(begin, line);
            else
                python(begin, line);
        }
        return std::move(group_);
    }

private:
    /// Tables of Poetry and extras, which no line alone tells.
    bool names_dependency(std::string_view line) const {
        if (!file_.path.ends_with("pyproject.toml")) return false;
        const auto key = trim(line.substr(0, line.find('=')));
        for (const std::string_view other : {"name", "description", "keywords", "classifiers"})
            if (key == other) return false;
        return known(key, false) != nullptr || line.find('[') != line.npos;
    }

    static const Package* known(std::string_view name, bool node) {
        if (node) {
            for (const auto& package : kNode)
                if (package.old == name) return &package;
        } else {
            for (const auto& package : kPython)
                if (package.old == to_lower(name)) return &package;
        }
        return nullptr;
    }

    /// requirements.txt `ollama==0.6.3`, pyproject `"ollama>=0.4",` and `ollama = "^0.4"`.
    void python(std::size_t begin, std::string_view line) {
        for (std::size_t at = 0; at < line.size();) {
            if (!package_char(line[at]) || line[at] == '.' || line[at] == '-') {
                ++at;
                continue;
            }
            auto end = at;
            while (end < line.size() && package_char(line[end]))
                ++end;
            const auto name = line.substr(at, end - at);
            const auto* const package = known(name, false);
            const auto head = line.substr(0, at);
            if (package != nullptr && head.find('#') == head.npos) {
                auto stop = end;
                // ">=0.4,<1" is one demand.
                const auto goes_on = [&](std::size_t i) {
                    if (line[i] != ',')
                        return std::string_view(" ;#\"')").find(line[i]) == std::string_view::npos;
                    const auto next = line.find_first_not_of(' ', i + 1);
                    return next != line.npos &&
                           std::string_view("<>=!~").find(line[next]) != std::string_view::npos;
                };
                while (stop < line.size() && goes_on(stop))
                    ++stop;
                const auto wanted = line.substr(end, stop - end);
                if (names_package(file_.text, package->fresh) &&
                    (head.empty() || trim(head) == "\"" || trim(head) == "'")) {
                    // The successor is there already: only one of the two stays.
                    group_.edit(file_, begin, line_end(file_.text, begin), "");
                    return;
                }
                const auto table = line.substr(end).find('=');
                const auto quote = line.find('"', end);
                const bool poetry = head.find_first_not_of(" \t") == head.npos &&
                                    table != line.npos && quote != line.npos &&
                                    line.substr(end, table).find_first_not_of(" \t") == line.npos &&
                                    line.substr(end + table + 1, quote - end - table - 1)
                                            .find_first_not_of(" \t") == line.npos;
                if (poetry) {
                    group_.edit(file_, begin + at, begin + end, std::string(package->fresh));
                    version_value(begin, line, quote, *package);
                } else if (const auto inner = inline_version(line, end); inner != line.npos) {
                    // ollama = {version = "^0.4", extras = […]}
                    group_.edit(file_, begin + at, begin + end, std::string(package->fresh));
                    version_value(begin, line, inner, *package);
                } else {
                    std::string version;
                    if (wanted.starts_with("==") && !package->exact.empty())
                        version = "==" + std::string(package->exact);
                    else if (!wanted.empty() && wanted.front() != '[' && !package->minimum.empty())
                        version = ">=" + std::string(package->minimum);
                    group_.edit(file_, begin + at, begin + stop,
                                std::string(package->fresh) + version);
                }
                group_.note(file_, begin + at,
                            fmt::format("{} became {}", package->old, package->fresh),
                            "regenerate the lock file, if there is one");
                return;
            }
            at = end;
        }
    }

    /// The quoted version that begins at `quote`, in the manifest's own manner.
    void version_value(std::size_t begin, std::string_view line, std::size_t quote,
                       const Package& package) {
        const auto close = line.find('"', quote + 1);
        if (close == line.npos) return;
        const auto old = line.substr(quote + 1, close - quote - 1);
        const bool pip = file_.path.ends_with("Pipfile");
        const auto fresh = old == "*" || package.minimum.empty() ? std::string("*")
                           : pip && old.starts_with("==")        ? "==" + std::string(package.exact)
                           : pip ? ">=" + std::string(package.minimum)
                                 : "^" + std::string(package.minimum);
        group_.edit(file_, begin + quote + 1, begin + close, fresh);
    }

    static std::size_t inline_version(std::string_view line, std::size_t end) {
        const auto open = line.find_first_not_of(" \t=", end);
        if (open == line.npos || line[open] != '{') return line.npos;
        const auto key = line.find("version", open);
        return key == line.npos ? line.npos : line.find('"', key);
    }

    void package_json(std::size_t begin, std::string_view line) {
        const auto open = line.find('"');
        if (open == line.npos) return;
        const auto close = line.find('"', open + 1);
        if (close == line.npos) return;
        const auto* const package = known(line.substr(open + 1, close - open - 1), true);
        if (package == nullptr) return;
        const auto colon = line.find(':', close);
        const auto first = colon == line.npos ? line.npos : line.find('"', colon);
        const auto last = first == line.npos ? line.npos : line.find('"', first + 1);
        if (last == line.npos) return;
        const std::string_view text = file_.text;
        if (names_package(text, package->fresh)) {
            drop_member(begin);
            return;
        }
        std::string version(package->minimum);
        if (package->fresh == "@ai-sdk/openai-compatible") version = provider_version(text);
        const auto old = line.substr(first + 1, last - first - 1);
        const std::string sign = !old.empty() && (old.front() == '^' || old.front() == '~')
                                     ? std::string(1, old.front())
                                     : "";
        group_.edit(file_, begin + open + 1, begin + close, std::string(package->fresh));
        group_.edit(file_, begin + first + 1, begin + last,
                    version.empty() ? std::string("*") : sign + version);
        group_.note(file_, begin + open,
                    version.empty() ? fmt::format("{} became {}: choose its version", package->old,
                                                  package->fresh)
                                    : fmt::format("{} became {}", package->old, package->fresh),
                    "regenerate the lock file, if there is one");
    }

    /// A line of an object; the comma before it goes when it was the last one.
    void drop_member(std::size_t begin) {
        const std::string_view text = file_.text;
        const auto end = line_end(text, begin);
        const auto next = text.find_first_not_of(" \t\r\n", end);
        if (next != text.npos && text[next] == '}') {
            const auto before = text.find_last_not_of(" \t\r\n", begin - 1);
            if (before != text.npos && text[before] == ',') {
                group_.edit(file_, before, before + 1, "");
            }
        }
        group_.edit(file_, begin, end, "");
    }

    const File& file_;
    FileFindings findings_;
    bool node_;
    Group group_;
};

/// `pip install fastapi ollama`, `npm install ollama` in images, scripts and pipelines.
Group installed(const File& file, const audit::Report& report) {
    Group group;
    group.rule = 112;
    group.what = "packages that " + file.path + " installs";
    const FileFindings findings(file, report);
    for (const auto& [begin, list] : findings.lines()) {
        const auto line = line_around(file.text, begin);
        const auto has = [&](std::string_view words) { return line.find(words) != line.npos; };
        const bool python = has("pip install") || has("pip3 install") || has("uv add") ||
                            has("poetry add") || has("pipenv install");
        const bool node = has("npm install") || has("npm i ") || has("yarn add") ||
                          has("pnpm add") || has("bun add");
        if (!python && !node) continue;
        for (std::size_t at = 0; at < line.size();) {
            auto end = at;
            while (end < line.size() && package_char(line[end]))
                ++end;
            const auto word = line.substr(at, end - at);
            const bool alone =
                at > 0 && (line[at - 1] == ' ' || line[at - 1] == '"' || line[at - 1] == '\'');
            for (const auto& package : kPython)
                if (python && alone && package.old == word) {
                    const auto stop = line.find_first_of(" \t\"'\\;&|)", end);
                    group.edit(file, begin + at, begin + (stop == line.npos ? line.size() : stop),
                               std::string(package.fresh));
                }
            const auto version = word.find('@', 1);
            for (const auto& package : kNode)
                if (node && alone && package.old == word.substr(0, version))
                    group.edit(file, begin + at, begin + end, std::string(package.fresh));
            at = std::max(end, at + 1);
        }
    }
    return group;
}

}  // namespace

Groups manifests(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        const bool script = file.language() == Language::kDockerfile ||
                            file.language() == Language::kShell ||
                            file.language() == Language::kMakefile || file.form.ci;
        if (file.editable() && script && audit::has_word(file.text))
            groups.push_back(installed(file, context.report));
        if (!file.editable() || !file.form.manifest) continue;
        const auto name = std::string_view(path).substr(path.rfind('/') + 1);
        const bool node = name == "package.json";
        const bool python = name.ends_with(".txt") || name == "pyproject.toml" ||
                            name == "setup.py" || name == "setup.cfg" || name == "Pipfile" ||
                            name.ends_with(".in") || name == "environment.yml" ||
                            name == "environment.yaml";
        if (!node && !python) continue;
        if (still_imported(workspace, context, node)) continue;
        groups.push_back(Manifest(file, context, node).run());
    }
    return groups;
}

}  // namespace segue::rewrite
