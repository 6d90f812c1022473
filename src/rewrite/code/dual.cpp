#include "rewrite/code/dual.hpp"

#include <fmt/format.h>

#include <ctime>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/models_used.hpp"

namespace segue::rewrite {
namespace {

std::string below(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
}

bool is_package(const Workspace& workspace, const std::string& folder) {
    return !folder.empty() && workspace.files.contains(folder + "/__init__.py");
}

/// (old variable, its default, new variable), as rows of a literal.
std::string model_rows(const Workspace& workspace, const Context& context, char quote,
                       std::string_view open, std::string_view close) {
    std::string rows;
    std::set<std::string> told;
    for (const auto& model : models_used(workspace, context)) {
        if (model.variable.empty() || model.variable.find("OLLAMA") == std::string::npos ||
            !told.insert(model.variable).second)
            continue;
        const auto fresh = replace_all(model.variable, "OLLAMA", "VLLM");
        rows += fmt::format("    {0}{1}{2}{1}, {1}{3}{1}, {1}{4}{1}{5},\n", open, quote,
                            model.variable, model.tag, fresh, close);
    }
    return rows;
}

}  // namespace

bool is_dual_module(const File& file) {
    return file.form.code &&
           std::string_view(file.text).substr(0, 120).find(
               "The one place that knows which engine answers.") != std::string::npos &&
           file.text.find("AI_BACKEND") != std::string::npos;
}

std::string dual_name(std::string_view old) {
    for (const std::string_view address :
         {"OLLAMA_URL", "OLLAMA_BASE_URL", "OLLAMA_API_URL", "OLLAMA_HOST"})
        if (old == address) return "VLLM_ENDPOINT";
    if (old.ends_with("MODEL") && old.find("OLLAMA") != old.npos)
        return replace_all(old, "OLLAMA", "VLLM");
    return {};
}

std::string dual_policy(const Context& context, const std::vector<std::string>& paths) {
    const auto day =
        std::chrono::system_clock::to_time_t(context.settings.today + std::chrono::hours(24 * 30));
    std::tm parts{};
    gmtime_r(&day, &parts);
    std::string list;
    for (const auto& path : paths)
        list += (list.empty() ? "" : ", ") + ("\"" + path + "\"");
    return fmt::format(
        "{}: both engines, until the move is over.\n"
        "allow:\n  - rules: [SEG104, SEG105, SEG106, SEG107, SEG111, SEG119, SEG120, "
        "SEG122, SEG123]\n    paths: [{}]\n    reason: {}\n    owner: \"{}\"\n    until: "
        "{:04}-{:02}-{:02}\n",
        kDualPolicyHead, list, kDualReason, context.settings.owner, parts.tm_year + 1900,
        parts.tm_mon + 1, parts.tm_mday);
}

PythonModule python_module(const Workspace& workspace, const std::string& importer) {
    auto folder = folder_of(importer);
    if (!is_package(workspace, folder)) return {below(folder, "ai_client.py"), "import ai_client"};
    std::string dots = ".";
    while (is_package(workspace, folder_of(folder))) {
        folder = folder_of(folder);
        dots += '.';
    }
    return {below(folder, "ai_client.py"), "from " + dots + " import ai_client"};
}

std::string python_module_text(const Workspace& workspace, const Context& context) {
    return R"("""The one place that knows which engine answers.

AI_BACKEND says it: ollama, vllm, or auto (vLLM when it is healthy at the start, else Ollama).
For vLLM the new names count first: VLLM_ENDPOINT, then the old address; VLLM_MODEL, then the old model.
"""

import logging
import os
import urllib.request

_log = logging.getLogger(__name__)

API_KEY = os.getenv("VLLM_API_KEY") or "EMPTY"
_DEFAULT = "http://localhost:11434"
# Old variable, its default, new variable.
_MODELS = (
)" + model_rows(workspace, context, '"', "(", ")") +
           R"()


def _plain(url: str) -> str:
    """With a scheme, without /v1."""
    if "://" not in url:
        url = f"http://{url}"
    return url.rstrip("/").removesuffix("/v1")


def _healthy(url: str) -> bool:
    request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {API_KEY}"})
    try:
        with urllib.request.urlopen(request, timeout=3) as reply:
            return reply.status == 200
    except (OSError, ValueError):
        return False


def _choose() -> str:
    wanted = (os.getenv("AI_BACKEND") or "auto").lower()
    if wanted not in ("ollama", "vllm", "auto"):
        raise ValueError(f"AI_BACKEND is {wanted!r}; it must be ollama, vllm or auto")
    if wanted != "auto":
        return wanted
    endpoint = os.getenv("VLLM_ENDPOINT")
    chosen = "vllm" if endpoint and _healthy(_plain(endpoint)) else "ollama"
    _log.info("AI_BACKEND=auto: %s answers", chosen)
    return chosen


BACKEND = _choose()


def _is_old(url: str) -> bool:
    """The address that the program is configured with for Ollama; another one stays what it is."""
    host, port = os.getenv("OLLAMA_HOST"), os.getenv("OLLAMA_PORT", "11434")
    known = [os.getenv("OLLAMA_URL"), os.getenv("OLLAMA_BASE_URL"), host, f"{host}:{port}" if host else None,
             _DEFAULT, "http://127.0.0.1:11434"]
    return _plain(url) in [_plain(one) for one in known if one]


def address(configured: str | None = None) -> str:
    """Where the engine is, without /v1."""
    configured = configured or os.getenv("OLLAMA_HOST") or _DEFAULT
    endpoint = os.getenv("VLLM_ENDPOINT")
    if BACKEND == "vllm" and endpoint and _is_old(configured):
        return _plain(endpoint)
    return _plain(configured)


def base_url(configured: str | None = None) -> str:
    """What OpenAI's client wants."""
    return f"{address(configured)}/v1"


def model(configured: str) -> str:
    """The name under which the engine that answers has the model."""
    if BACKEND == "vllm":
        for old, default, new in _MODELS:
            if configured == (os.getenv(old) or default):
                return os.getenv(new) or configured
    return configured
)";
}

ScriptModule script_module(const Workspace& workspace, const std::set<std::string>& importers) {
    std::string common;
    bool first = true;
    bool typed = false;
    for (const auto& path : importers) {
        auto folder = folder_of(path);
        typed = typed || path.ends_with(".ts") || path.ends_with(".tsx") || path.ends_with(".vue");
        if (first) {
            common = folder;
            first = false;
        }
        while (!common.empty() && folder != common && !folder.starts_with(common + "/"))
            common = folder_of(common);
    }
    // Images often copy folders, not what lies at the top.
    if (common.empty() && !importers.empty()) common = folder_of(*importers.begin());
    bool esm = typed;
    for (const auto& [path, file] : workspace.files)
        if ((path == "package.json" || path.ends_with("/package.json")) &&
            file.text.find("\"type\": \"module\"") != std::string::npos)
            esm = true;
    for (const auto& path : importers)
        if (const auto at = workspace.files.find(path); at != workspace.files.end()) {
            if (at->second.text.find("require(") != std::string::npos && !typed) esm = false;
            if (path.ends_with(".mjs")) esm = true;
        }
    return {below(common, typed ? "ai-client.ts" : esm ? "ai-client.js" : "ai-client.cjs"), esm};
}

std::string script_specifier(const File& importer, const ScriptModule& module) {
    auto from = folder_of(importer.path);
    const auto to = folder_of(module.path);
    std::string up;
    while (from != to && !from.empty() && !(to.starts_with(from + "/"))) {
        from = folder_of(from);
        up += "../";
    }
    auto rest = module.path.substr(from.empty() ? 0 : from.size() + 1);
    const auto dot = rest.rfind('.');
    const auto extension = rest.substr(dot);
    rest.resize(dot);
    if (extension == ".ts") {
        // In the file's own habit: './x', './x.js' or './x.ts'.
        if (importer.text.find(".js'") != std::string::npos ||
            importer.text.find(".js\"") != std::string::npos)
            rest += ".js";
        else if (importer.text.find(".ts'") != std::string::npos)
            rest += ".ts";
    } else {
        rest += extension;
    }
    return (up.empty() ? "./" : up) + rest;
}

std::string script_module_text(const Workspace& workspace, const Context& context,
                               const ScriptModule& module) {
    const bool typed = module.path.ends_with(".ts");
    const auto t = [&](std::string_view type) { return typed ? std::string(type) : std::string(); };
    const std::string e = module.esm ? "export " : "";
    std::string rows = model_rows(workspace, context, '\'', "[", "]");
    rows = replace_all(rows, "    [", "  [");
    std::string out = R"(/**
 * The one place that knows which engine answers.
 *
 * AI_BACKEND says it: ollama, vllm, or auto (vLLM when it is healthy at the start, else Ollama).
 * For vLLM the new names count first: VLLM_ENDPOINT, then the old address; VLLM_MODEL, then the old model.
 */
)";
    out += e + "const API_KEY = process.env.VLLM_API_KEY || 'EMPTY'\n";
    out +=
        "const DEFAULT = 'http://localhost:11434'\n// Old variable, its default, new "
        "variable.\nconst MODELS" +
        t(": [string, string, string][]") + " = [\n" + rows + "]\n\n";
    out += "/** With a scheme, without /v1. */\nfunction plain(url" + t(": string") + ")" +
           t(": string") +
           " {\n  const whole = url.includes('://') ? url : `http://${url}`\n"
           "  return whole.replace(/\\/+$/, '').replace(/\\/v1$/, '')\n}\n\n";
    if (module.esm) {
        out +=
            "async function healthy(url" + t(": string") + ")" + t(": Promise<boolean>") +
            " {\n  try {\n    const reply = await fetch(`${url}/v1/models`, {\n"
            "      headers: { Authorization: `Bearer ${API_KEY}` },\n"
            "      signal: AbortSignal.timeout(3000),\n    })\n    return reply.ok\n  } catch {\n"
            "    return false\n  }\n}\n\n";
    }
    out += std::string(module.esm ? "async " : "") + "function choose()" + t(": Promise<string>") +
           " {\n  const wanted = (process.env.AI_BACKEND || 'auto').toLowerCase()\n"
           "  if (!['ollama', 'vllm', 'auto'].includes(wanted))\n"
           "    throw new Error(`AI_BACKEND is '${wanted}'; it must be ollama, vllm or auto`)\n"
           "  if (wanted !== 'auto') return wanted\n"
           "  const endpoint = process.env.VLLM_ENDPOINT\n";
    out +=
        module.esm
            ? "  const chosen = endpoint && (await healthy(plain(endpoint))) ? 'vllm' : 'ollama'\n"
            : "  const chosen = endpoint ? 'vllm' : 'ollama' // no waiting in a CommonJS module\n";
    out += "  console.info(`AI_BACKEND=auto: ${chosen} answers`)\n  return chosen\n}\n\n";
    out += e + "const BACKEND = " + (module.esm ? "await " : "") + "choose()\n\n";
    out +=
        "/** The address that the program is configured with for Ollama; another one stays what it "
        "is. */\n"
        "function isOld(url" +
        t(": string") + ")" + t(": boolean") +
        " {\n  const host = process.env.OLLAMA_HOST\n"
        "  const known = [process.env.OLLAMA_URL, process.env.OLLAMA_BASE_URL, host,\n"
        "    host && `${host}:${process.env.OLLAMA_PORT ?? '11434'}`, DEFAULT, "
        "'http://127.0.0.1:11434']\n"
        "  return known.some((one) => one && plain(one) === plain(url))\n}\n\n";
    out += "/** Where the engine is, without /v1. */\n" + e + "function address(configured" +
           t("?: string") + ")" + t(": string") +
           " {\n  const wanted = configured || process.env.OLLAMA_HOST || DEFAULT\n"
           "  const endpoint = process.env.VLLM_ENDPOINT\n"
           "  return plain(BACKEND === 'vllm' && endpoint && isOld(wanted) ? endpoint : "
           "wanted)\n}\n\n";
    out += "/** What OpenAI's client wants. */\n" + e + "function baseURL(configured" +
           t("?: string") + ")" + t(": string") + " {\n  return `${address(configured)}/v1`\n}\n\n";
    out += "/** The name under which the engine that answers has the model. */\n" + e +
           "function model(configured" + t(": string") + ")" + t(": string") +
           " {\n  if (BACKEND === 'vllm')\n    for (const [old, standard, fresh] of MODELS)\n"
           "      if (configured === (process.env[old] || standard)) return process.env[fresh] || "
           "configured\n  return configured\n}\n";
    if (!module.esm) out += "\nmodule.exports = { API_KEY, BACKEND, address, baseURL, model }\n";
    return out;
}

}  // namespace segue::rewrite
