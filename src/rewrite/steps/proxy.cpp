// final: nginx before the server. Answers are streams, so their locations stop buffering; a
// location for native paths gets one for OpenAI's beside it. Upstreams and ports are the names
// family's.
#include <fmt/format.h>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/compose_file.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

class Nginx {
public:
    Nginx(const File& file, const std::set<std::string, std::less<>>& services, bool segue)
        : file_(file), services_(services), segue_(segue) {
        group_.rule = 116;
        group_.what = "the proxy in " + file.path;
    }

    Group run() {
        const std::string_view text = file_.text;
        find_upstreams();
        for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
            const auto line = line_around(text, at);
            const auto body = trim(line);
            const auto pass = line.find("proxy_pass");
            if (body.starts_with('#') || pass == line.npos || !leads_to_server(line.substr(pass)))
                continue;
            location(at);
            to_segue(at, line, pass);
        }
        return std::move(group_);
    }

private:
    bool is_server(std::string_view host) const {
        return host == "ollama" || services_.contains(host);
    }

    /// `upstream NAME { server ollama:11434; }`: names that lead there.
    void find_upstreams() {
        const std::string_view text = file_.text;
        std::string open;
        for (std::size_t at = 0; at < text.size(); at = line_end(text, at)) {
            const auto body = trim(line_around(text, at));
            if (body.starts_with("upstream "))
                open = std::string(trim(body.substr(9, body.find('{') - 9)));
            if (body.starts_with('}')) open.clear();
            if (open.empty() || body.find("server ") == body.npos) continue;
            const auto host = trim(body.substr(body.find("server ") + 7));
            if (!audit::find_port(host) && !is_server(host.substr(0, host.find_first_of(":; "))))
                continue;
            upstreams_.insert(open);
            const auto line = line_around(text, at);
            to_segue(at, line, line.find("server ") + 7);
        }
    }

    bool leads_to_server(std::string_view pass) const {
        if (audit::find_port(pass)) return true;
        const auto scheme = pass.find("://");
        if (scheme == pass.npos) return false;
        const auto host = pass.substr(scheme + 3);
        const auto name = host.substr(0, host.find_first_of(":/; "));
        return is_server(name) || upstreams_.contains(std::string(name));
    }

    /// Where Segue stands in compose it knows all models, and speaks both APIs.
    void to_segue(std::size_t at, std::string_view line, std::size_t from) {
        if (!segue_) return;
        auto begin = line.find("://", from);
        begin = begin == line.npos ? from : begin + 3;
        const auto colon = line.find(":11434", begin);
        if (colon == line.npos || !is_server(trim(line.substr(begin, colon - begin)))) return;
        group_.edit(file_, at + begin, at + colon + 6, "segue:8484", 104);
    }

    void location(std::size_t pass) {
        const std::string_view text = file_.text;
        const auto open = text.rfind("location ", pass);
        if (open == text.npos || text.substr(open, pass - open).find('}') != text.npos) return;
        const auto close = text.find('}', pass);
        if (close == text.npos) return;
        const auto block = text.substr(open, close - open);
        if (!blocks_.insert(open).second) return;
        const auto line = line_around(text, pass);
        const std::string indent(line.substr(0, line.find_first_not_of(" \t")));
        std::string add;
        if (block.find("proxy_buffering") == block.npos) add += indent + "proxy_buffering off;\n";
        if (block.find("proxy_read_timeout") == block.npos)
            add += indent + "proxy_read_timeout 600s;\n";
        if (line.find('{') != line.npos) return;  // on one line
        const auto end = line_end(text, pass);
        if (!add.empty()) group_.edit(file_, end, end, add);
        // A path that is handed on as it is.
        const auto head = line_around(text, open);
        const auto path = head.find(" /api");
        const auto target = line.substr(line.find("://") + 3);
        const bool as_it_is = target.find('/') == target.npos;
        if (path == head.npos || !as_it_is || text.find("location /v1") != text.npos) return;
        const auto begin = line_begin(text, open);
        const auto stop = line_end(text, close);
        auto copy = std::string(text.substr(begin, end - begin)) + add +
                    std::string(text.substr(end, stop - end));
        const auto word = copy.find(" /api");
        copy.replace(word, copy.find_first_of(" {", word + 1) - word, " /v1/");
        if (segue_) {
            copy = replace_all(copy, "://ollama:11434", "://segue:8484");
            for (const auto& name : services_)
                copy = replace_all(copy, "://" + name + ":11434", "://segue:8484");
        }
        group_.edit(file_, stop, stop, (text[stop - 1] == '\n' ? "" : "\n") + copy);
    }

    const File& file_;
    const std::set<std::string, std::less<>>& services_;
    bool segue_;
    std::set<std::string> upstreams_;
    std::set<std::size_t> blocks_;
    Group group_;
};

}  // namespace

Groups proxies(const Workspace& workspace, const Context& context) {
    Groups groups;
    std::optional<ComposeTree> tree;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.language() != Language::kNginx || file.form.doc) continue;
        if (!tree) tree.emplace(workspace, context);
        groups.push_back(Nginx(file, context.model.ollama_services, tree->segue).run());
    }
    return groups;
}

}  // namespace segue::rewrite
