// drop-in: every address through which the product reaches Ollama becomes Segue's. What runs Ollama
// itself (its service, its image, its unit) keeps its own.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/steps/steps.hpp"

namespace segue::rewrite {
namespace {

struct Address {
    std::string host;
    std::string port;
};

Address parts_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('/'));
    const auto colon = url.rfind(':');
    if (colon == std::string_view::npos) return {std::string(url), "80"};
    return {std::string(url.substr(0, colon)), std::string(url.substr(colon + 1))};
}

bool host_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
}

/// The same machine, or the machine that containers run on: Segue stands there on another port.
bool is_near(std::string_view host) {
    static constexpr std::array<std::string_view, 6> kNear{"localhost",
                                                           "127.0.0.1",
                                                           "host.docker.internal",
                                                           "host.containers.internal",
                                                           "gateway.docker.internal",
                                                           "10.0.2.2"};
    return std::find(kNear.begin(), kNear.end(), host) != kNear.end();
}

class DropIn {
public:
    DropIn(const File& file, const Context& context, const Address& segue, bool port_apart)
        : file_(file), context_(context), segue_(segue), port_apart_(port_apart) {
        servers_ = server_blocks(file);
        group_.rule = 104;
        group_.what = "addresses in " + file.path + " to Segue";
    }

    void line(std::size_t begin) {
        if (covered(servers_, begin) || !seen_.insert(begin).second) return;
        const auto line = line_around(file_.text, begin);
        ports(line, begin);
        hosts(line, begin);
    }

    Group done() { return std::move(group_); }

private:
    void ports(std::string_view line, std::size_t begin) {
        for (auto port = audit::find_port(line); port; port = audit::find_port(line, port->end)) {
            const auto at = port->begin;
            if (at == 0 || line[at - 1] != ':' || (at >= 2 && line[at - 2] == ' ')) {
                // A number by itself: "port=11434", "PORT: 11434"; not the left of a mapping.
                if (port->end < line.size() && line[port->end] == ':' &&
                    port->end + 1 < line.size() &&
                    std::isdigit(static_cast<unsigned char>(line[port->end + 1])) != 0)
                    continue;
                edit(begin + at, begin + port->end, segue_.port);
                continue;
            }
            auto host_begin = at - 1;
            while (host_begin > 0 && host_char(line[host_begin - 1]))
                --host_begin;
            const auto host = line.substr(host_begin, at - 1 - host_begin);
            if (host == "0.0.0.0" || (host.empty() && at >= 2 && line[at - 2] == ']' &&
                                      line.find("[::]") != std::string_view::npos)) {
                group_.note(
                    file_, begin + at,
                    "an address that a server listens on: whether it is Ollama's own is "
                    "not certain",
                    "leave it when it is Ollama's; point it at Segue when it is a client's");
                continue;
            }
            const bool mapping =
                std::isdigit(static_cast<unsigned char>(host.empty() ? 'x' : host.front())) != 0 &&
                host.find('.') == std::string_view::npos;
            if (mapping) continue;  // "8434:11434"
            if (host.empty() || is_near(host)) {
                edit(begin + at, begin + port->end, segue_.port);
            } else {
                edit(begin + host_begin, begin + port->end,
                     fmt::format("{}:{}", segue_host(host), segue_.port));
            }
        }
    }

    /// http://ollama, http://ollama.ai.svc:80, OLLAMA_HOST=ollama.
    void hosts(std::string_view line, std::size_t begin) {
        for (std::size_t at = 0; at < line.size();) {
            if (!host_char(line[at])) {
                ++at;
                continue;
            }
            auto end = at;
            while (end < line.size() && host_char(line[end]))
                ++end;
            const auto host = line.substr(at, end - at);
            const auto first = host.substr(0, host.find('.'));
            const bool runs_it =
                context_.model.ollama_services.contains(std::string(first)) || first == "ollama";
            const bool url = at >= 3 && line.substr(at - 3, 3) == "://";
            std::size_t port_end = end;
            if (port_end < line.size() && line[port_end] == ':') {
                ++port_end;
                while (port_end < line.size() &&
                       std::isdigit(static_cast<unsigned char>(line[port_end])) != 0)
                    ++port_end;
                if (port_end == end + 1) port_end = end;
            }
            const auto port = line.substr(end, port_end - end);
            if (runs_it && port != ":11434" &&
                !is_kept_name(context_.model, file_.text, begin + at)) {
                if (url)
                    edit(begin + at, begin + port_end,
                         fmt::format("{}:{}", segue_host(host), segue_.port));
                else if (port.empty() && is_host_value(line, at, end))
                    edit(begin + at, begin + end,
                         port_apart_ ? segue_host(host)
                                     : fmt::format("{}:{}", segue_host(host), segue_.port));
            }
            at = std::max(port_end, end);
        }
    }

    /// `OLLAMA_HOST=ollama`, `host: "ollama"`, `getenv("OLLAMA_HOST", "ollama")`.
    static bool is_host_value(std::string_view line, std::size_t at, std::size_t end) {
        if (end < line.size() && (line[end] == '=' || line[end] == ':')) return false;
        const auto before = to_lower(line.substr(0, at));
        const auto named = before.find("host");
        if (named == std::string::npos) return false;
        const auto between = std::string_view(before).substr(named + 4);
        return between.find_first_of("=:,") != std::string_view::npos &&
               between.find_first_not_of("=:,- \"'{}$|?a_msr") == std::string_view::npos;
    }

    /// In a cluster the namespace stays: ollama.ai.svc.cluster.local.
    std::string segue_host(std::string_view host) const {
        const auto dot = host.find('.');
        if (dot != std::string_view::npos && host.find(".svc") != std::string_view::npos &&
            segue_.host.find('.') == std::string::npos)
            return segue_.host + std::string(host.substr(dot));
        return segue_.host;
    }

    void edit(std::size_t start, std::size_t end, std::string text) {
        group_.edit(file_, start, end, std::move(text));
    }

    const File& file_;
    const Context& context_;
    const Address& segue_;
    bool port_apart_;
    std::vector<Range> servers_;
    std::set<std::size_t> seen_;
    Group group_;
};

}  // namespace

Groups addresses_to_segue(const Workspace& workspace, const Context& context) {
    const auto segue = parts_of(context.settings.segue);
    const bool port_apart =
        std::any_of(workspace.files.begin(), workspace.files.end(), [](const auto& entry) {
            return entry.second.text.find("OLLAMA_PORT") != std::string::npos ||
                   entry.second.text.find("ollama_port") != std::string::npos;
        });
    Groups groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || file.form.doc || file.form.history) continue;
        DropIn drop(file, context, segue, port_apart);
        for (const auto& finding : context.report.findings) {
            if (finding.path != path || !finding.suppressed.empty()) continue;
            if (finding.level == audit::Level::kNote || finding.rule == 123 ||
                finding.rule == 124 || finding.rule == 125)
                continue;
            drop.line(line_begin(file.text, finding.byte_start));
        }
        groups.push_back(drop.done());
    }
    return groups;
}

}  // namespace segue::rewrite
