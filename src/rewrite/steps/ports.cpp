// final: the port of Ollama's server becomes vLLM's, also in docs and tests. A port that the user
// chose stays what it is.
#include "base/text.hpp"
#include "rewrite/core/findings.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"
#include "rewrite/steps/steps.hpp"

#include <cctype>

namespace segue::rewrite {
namespace {

bool digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Something of the project answers on port 8000 of the machine already.
bool uses_8000(const File& file) {
    const std::string_view text = file.theirs;  // what we wrote is vLLM's
    for (auto at = text.find("8000"); at != std::string_view::npos;
         at = text.find("8000", at + 4)) {
        if ((at > 0 && (digit(text[at - 1]) || text[at - 1] == '.')) ||
            (at + 4 < text.size() && digit(text[at + 4])))
            continue;
        const auto line = to_lower(line_around(text, at));
        if (line.find("vllm") != std::string::npos) continue;
        const auto before = text.substr(line_begin(text, at), at - line_begin(text, at));
        const bool mapped = at + 4 < text.size() && text[at + 4] == ':' && at + 5 < text.size() &&
                            digit(text[at + 5]);
        const bool address = before.ends_with("localhost:") || before.ends_with("127.0.0.1:") ||
                             before.ends_with("0.0.0.0:");
        const bool flag = before.ends_with("--port ") || before.ends_with("--port=") ||
                          before.ends_with("--port\", \"") || before.ends_with("port=");
        if (mapped || address || flag) return true;
    }
    return false;
}

}  // namespace

std::string engine_port(const Workspace& workspace) {
    for (const auto& [path, file] : workspace.files)
        if (file.editable() && uses_8000(file)) return "8001";
    return "8000";
}

Groups ports(const Workspace& workspace, const Context& context) {
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable()) continue;
        Group group;
        group.rule = 104;
        group.what = "ports in " + path;
        const FileFindings findings(file, context.report);
        const std::string_view text = file.text;
        const auto servers = server_blocks(file);
        for (const auto& [begin, list] : findings.lines()) {
            const auto line = line_around(text, begin);
            // What still runs Ollama keeps its port; so does one of two engines on a line.
            if (covered(servers, begin)) continue;
            if (file.form.code && to_lower(line).find("vllm") != std::string::npos &&
                file.theirs.find(line) != std::string::npos)
                continue;
            for (auto port = audit::find_port(line); port; port = audit::find_port(line, port->end))
                group.edit(file, begin + port->begin, begin + port->end, context.port,
                           file.form.doc ? 124 : 104);
        }
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace segue::rewrite
