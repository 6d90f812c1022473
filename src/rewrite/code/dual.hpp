/// dual: the one small module a language that knows which engine answers. Where it lies, how a file
/// imports it, and its text.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {

/// Why dual's policy allows what it allows; final knows it again by this.
inline constexpr std::string_view kDualReason = "either engine may answer while the move lasts";
inline constexpr std::string_view kDualPolicyHead = "# Written by segue rewrite --to dual";
/// The line above the new names in an environment file.
inline constexpr std::string_view kDualEnvironmentHead = "# Which engine answers:";
/// One of the modules that dual writes.
bool is_dual_module(const File& file);
/// The new name beside an old one: OLLAMA_URL → VLLM_ENDPOINT; empty when there is none.
std::string dual_name(std::string_view old);

/// Python: beside the file, or at the top of its package. `import_line` brings `ai_client` in.
struct PythonModule {
    std::string path;
    std::string import_line;
};
PythonModule python_module(const Workspace& workspace, const std::string& importer);
std::string python_module_text(const Workspace& workspace, const Context& context);

/// JavaScript and TypeScript: one for the tree, at the common folder of `importers`.
struct ScriptModule {
    std::string path;
    bool esm = true;
};
ScriptModule script_module(const Workspace& workspace, const std::set<std::string>& importers);
/// The specifier from one file to the module, in the file's own habit of extensions.
std::string script_specifier(const File& importer, const ScriptModule& module);
std::string script_module_text(const Workspace& workspace, const Context& context,
                               const ScriptModule& module);

/// segue-audit.yaml that allows the modules and the environment files for 30 days.
std::string dual_policy(const Context& context, const std::vector<std::string>& paths);

}  // namespace segue::rewrite
