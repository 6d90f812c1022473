/// The transformation families: each looks at the workspace and answers groups of edits and to-dos.
/// One file a family; stateless. The order in which they run is in plan.cpp.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/model.hpp"
#include "rewrite/plan.hpp"

namespace segue::rewrite {

struct Context {
    const Settings& settings;
    const audit::Model& model;    // of the tree as this stage finds it
    const audit::Report& report;  // the same tree's findings
    const std::string& port;      // see engine_port()
};

using Groups = std::vector<Group>;

/// drop-in: addresses of the server become Segue's, outside of what runs Ollama itself.
Groups addresses_to_segue(const Workspace& workspace, const Context& context);

/// The port of vLLM: 8000, or 8001 where something else of the project answers at 8000. The same in
/// containers and on the machine, since what code connects to is often known at run time only.
std::string engine_port(const Workspace& workspace);

// dual, after the code spoke OpenAI's API: its modules, then both sets of names.
Groups dual_modules(const Workspace& workspace, const Context& context);
Groups dual_environment(const Workspace& workspace, const Context& context);

// final, in this order. The first undoes what dual wrote.
Groups leave_dual(const Workspace& workspace, const Context& context);
/// The text without what dual wrote, once leave_dual went over it.
std::string written_by_people(const File& file);
Groups proxies(const Workspace& workspace, const Context& context);
Groups compose(const Workspace& workspace, const Context& context);
Groups python_sdk(const Workspace& workspace, const Context& context);
Groups python_http(const Workspace& workspace, const Context& context);
Groups python_openai(const Workspace& workspace, const Context& context);
Groups script_sdk(const Workspace& workspace, const Context& context);
Groups script_http(const Workspace& workspace, const Context& context);
Groups script_openai(const Workspace& workspace, const Context& context);
Groups python_frameworks(const Workspace& workspace, const Context& context);
Groups script_frameworks(const Workspace& workspace, const Context& context);
Groups kubernetes(const Workspace& workspace, const Context& context);
Groups dockerfiles(const Workspace& workspace, const Context& context);
Groups systemd_units(const Workspace& workspace, const Context& context);
Groups pipelines(const Workspace& workspace, const Context& context);
Groups litellm(const Workspace& workspace, const Context& context);
Groups manifests(const Workspace& workspace, const Context& context);
Groups tags(const Workspace& workspace, const Context& context);
Groups prose(const Workspace& workspace, const Context& context);
Groups ports(const Workspace& workspace, const Context& context);
Groups rename_names(const Workspace& workspace, const Context& context);
Groups dedupe(const Workspace& workspace, const Context& context);

}  // namespace segue::rewrite
