#include "audit/proof/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <thread>

#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/walk/git.hpp"
#include "base/text.hpp"
#include "net/client.hpp"
#include "net/resolver.hpp"

namespace segue::audit {
namespace {

using evidence::Part;
using evidence::Standing;

constexpr int kOllamaPort = 11434;
constexpr auto kPatience = std::chrono::milliseconds(2'000);

Part part(std::string_view id, std::string_view title, std::string_view command) {
    Part made;
    made.id = id;
    made.title = title;
    made.command = command;
    return made;
}

bool digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::optional<int> port_in(std::string_view text) {
    int port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || port < 1 || port > 65535) return std::nullopt;
    return port;
}

bool is_local(std::string_view host) {
    return host == "localhost" || host == "::1" || host == "[::1]" || host == "0.0.0.0" ||
           host.starts_with("127.");
}

Result<net::SimpleResponse> get(const std::string& host, int port, std::string path) {
    const auto origin = net::parse_origin(fmt::format("http://{}:{}", host, port),
                                          static_cast<std::uint16_t>(port));
    if (!origin) return fail(Fault::kInvalid, fmt::format("'{}' is no host", host));
    net::ClientRequest request;
    request.origin = *origin;
    request.path = std::move(path);
    request.headers.add("User-Agent", "segue-audit");
    request.deadlines = {kPatience, kPatience, kPatience, 2 * kPatience};
    return net::fetch(std::move(request), 1U << 20);
}

/// "and 3 more" beyond what a reader takes in.
void shorten(std::vector<std::string>& lines, std::size_t most = 50) {
    if (lines.size() <= most) return;
    const auto more = lines.size() - most;
    lines.resize(most);
    lines.push_back(fmt::format("and {} more", more));
}

/// Bad things make it not clean; without them, what could not be looked at makes it not looked at.
void judge(Part& part, std::vector<std::string> bad, std::vector<std::string> unread,
           std::string clean, std::string_view what) {
    if (!bad.empty()) {
        part.standing = Standing::kNotClean;
        part.says = fmt::format("{} {}", bad.size(), what);
        if (!unread.empty()) part.says += "; not looked at: " + join(unread, ", ");
        part.seen.insert(part.seen.begin(), bad.begin(), bad.end());
    } else if (!unread.empty()) {
        part.says = "this user may not see " + join(unread, ", ");
    } else {
        part.standing = Standing::kClean;
        part.says = std::move(clean);
    }
    shorten(part.seen);
}

std::string ports_text(const std::set<int>& ports) {
    std::string out;
    for (const int port : ports)
        out += (out.empty() ? "" : ", ") + std::to_string(port);
    return out;
}

void ask_gateway(const ProofOptions& options, Machine& out) {
    if (options.gateway.empty()) {
        out.usage_why = "no gateway was named";
        return;
    }
    const auto origin = net::parse_origin(options.gateway, 8484);
    if (!origin) {
        out.usage_why =
            fmt::format("'{}' is no URL such as http://127.0.0.1:8484", options.gateway);
        return;
    }
    net::ClientRequest request;
    request.origin = *origin;
    request.path = "/segue/v1/usage";
    if (!options.gateway_key.empty())
        request.headers.add("Authorization", "Bearer " + options.gateway_key);
    request.deadlines = {kPatience, kPatience, kPatience, 2 * kPatience};
    auto answer = net::fetch(std::move(request));
    if (!answer) {
        out.usage_why = answer.error().detail;
    } else if (answer->status == 401 || answer->status == 403) {
        out.usage_why =
            fmt::format("the gateway at {} wants a key: set SEGUE_API_KEY", options.gateway);
    } else {
        json::Parser parser;
        const auto root = parser.parse(answer->body);
        if (answer->status == 200 && root && (*root)["schema"].string() == "segue-usage/1")
            out.usage = std::move(answer->body);
        else
            out.usage_why =
                fmt::format("{} is no Segue gateway that keeps this record (it answered {})",
                            options.gateway, answer->status);
    }
}

void look_at_engine(const ProofOptions& options, Machine& out) {
    bool denied = false;
    for (const auto& socket :
         container_sockets(options.docker_socket, options.environment("DOCKER_HOST").value_or(""),
                           options.environment("XDG_RUNTIME_DIR").value_or(""))) {
        auto facts = look_at_containers(socket);
        if (facts) {
            out.containers = std::move(*facts);
            return;
        }
        if (facts.error().fault == Fault::kNotFound && options.docker_socket.empty()) continue;
        denied = true;
        out.containers_why = facts.error().detail;
    }
    if (denied) return;
    // No socket: is there an engine at all?
    std::vector<std::string> engines;
    for (const auto& process : out.processes)
        for (const std::string_view name :
             {"dockerd", "containerd", "podman", "crio", "conmon", "kubelet"})
            if (process.name() == name) engines.push_back(process.label());
    if (!engines.empty())
        out.containers_why =
            fmt::format("{} runs, and no socket of it is reachable", engines.front());
    else if (!out.unread_processes.empty())
        out.containers_why =
            "no socket of a container engine is there, and not all processes could be seen";
    else
        out.containers_none = true;
}

}  // namespace

std::vector<Address> addresses_of(const Report& report) {
    std::vector<Address> out;
    const auto add = [&](const Finding& finding, std::string host, int port) {
        Address made{std::move(host), port, fmt::format("{}:{}", finding.path, finding.line)};
        const bool known = std::any_of(out.begin(), out.end(), [&](const Address& one) {
            return one.host == made.host && one.port == made.port;
        });
        if (!known) out.push_back(std::move(made));
    };
    for (const auto& finding : report.findings) {
        // What tests and documents name is no server that somebody wants to be asked.
        static constexpr std::array kNameServers{103, 104, 105, 110, 111};
        if (std::find(kNameServers.begin(), kNameServers.end(), finding.rule) ==
                kNameServers.end() ||
            finding.level != Level::kError ||
            std::find(finding.also.begin(), finding.also.end(), 121) != finding.also.end())
            continue;
        const std::string_view text = finding.snippet;
        bool any = false;
        for (std::size_t at = 0; (at = text.find("://", at)) != std::string_view::npos;) {
            at += 3;
            auto host = text.substr(at, text.find_first_of("/\"'` ,;)}<>", at) - at);
            if (const auto user = host.rfind('@'); user != std::string_view::npos)
                host.remove_prefix(user + 1);
            const auto colon = host.rfind(':');
            const auto port =
                colon == std::string_view::npos ? std::nullopt : port_in(host.substr(colon + 1));
            const auto name = host.substr(0, colon);
            if (name.empty() || name.find_first_of("${}%*") != std::string_view::npos) continue;
            add(finding, std::string(name), port.value_or(80));
            any = true;
        }
        if (finding.rule != 104) continue;
        // "8434:11434" publishes another port; a bare number is a port of this machine.
        for (auto at = find_port(text); at; at = find_port(text, at->end)) {
            auto from = at->begin;
            if (from > 2 && text[from - 1] == ':' && digit(text[from - 2])) {
                auto begin = from - 1;
                while (begin > 0 && digit(text[begin - 1]))
                    --begin;
                // The end of an address ("10.0.0.9:11434") is no port.
                const bool whole = begin == 0 || (text[begin - 1] != '.' && text[begin - 1] != ':');
                if (const auto published = port_in(text.substr(begin, from - 1 - begin));
                    published && whole)
                    add(finding, "localhost", *published);
            } else if (!any) {
                add(finding, "localhost", kOllamaPort);
            }
        }
    }
    return out;
}

Speaks ask_server(const std::string& host, int port) {
    // Its own API first: Segue's Ollama front says that it is Ollama, as it must.
    const auto own = get(host, port, "/segue/v1/version");
    if (!own) return own.error().fault == Fault::kTimeout ? Speaks::kOther : Speaks::kNobody;
    if (own->status == 200 && own->body.find("\"version\"") != std::string::npos)
        return Speaks::kSegue;
    if (own->status == 401 &&
        own->headers.find("content-type").value_or("") == "application/problem+json")
        return Speaks::kSegue;
    const auto root = get(host, port, "/");
    if (root && root->body.find("Ollama is running") != std::string::npos) return Speaks::kOllama;
    const auto version = get(host, port, "/api/version");
    return version && version->status == 200 && version->body.starts_with("{\"version\"")
               ? Speaks::kOllama
               : Speaks::kOther;
}

Machine look(const Report& report, const ProofOptions& options) {
    Machine out;
    out.processes = options.host.processes(out.unread_processes);
    out.sockets = options.host.sockets(out.processes, out.unread_sockets);
    out.addresses = addresses_of(report);
    out.ports.insert(kOllamaPort);
    out.ports.insert(options.ports.begin(), options.ports.end());
    for (const auto& address : out.addresses)
        if (address.port != 80 && address.port != 443) out.ports.insert(address.port);
    look_at_engine(options, out);
    ask_gateway(options, out);
    return out;
}

Part listeners_part(const Machine& machine, const ProofOptions& options) {
    Part out = part("SEG204", "listeners",
                    fmt::format("ss -ltnp | grep -E ':({})'",
                                replace_all(ports_text(machine.ports), ", ", "|")));
    std::vector<std::string> bad;
    std::vector<std::string> segues;
    std::set<std::uint64_t> inodes;
    for (const auto& socket : machine.sockets)
        if (socket.listening && machine.ports.contains(socket.local_port))
            inodes.insert(socket.inode);
    const auto owners = options.host.owners(inodes);
    const auto owner = [&](const Socket& socket) {
        const auto found = owners.find(socket.inode);
        if (found == owners.end()) return std::string("a process that this user may not see");
        for (const auto& process : machine.processes)
            if (process.pid == found->second) return process.label();
        return fmt::format("process {}", found->second);
    };
    std::set<int> asked;
    for (const auto& socket : machine.sockets) {
        if (!socket.listening || !machine.ports.contains(socket.local_port)) continue;
        const std::string place = fmt::format("{}:{}", socket.local, socket.local_port);
        if (!socket.network.empty()) {
            bad.push_back(fmt::format("{} in another network namespace, {}", place, owner(socket)));
            continue;
        }
        asked.insert(socket.local_port);
        const std::string host = socket.local == "0.0.0.0" || socket.local == "::" ? "127.0.0.1"
                                 : socket.local == "::1"                           ? "[::1]"
                                                                                   : socket.local;
        switch (ask_server(host, socket.local_port)) {
            case Speaks::kSegue: segues.push_back(place); break;
            case Speaks::kOllama:
                bad.push_back(fmt::format("{} says that it is Ollama, {}", place, owner(socket)));
                break;
            case Speaks::kNobody:
            case Speaks::kOther:
                bad.push_back(fmt::format("{} is no Segue, {}", place, owner(socket)));
                break;
        }
    }
    std::size_t hosts = 0;
    const auto ask = [&](const std::string& host, int port, const std::string& where) {
        if (is_local(host) && asked.contains(port)) return;
        ++hosts;
        if (ask_server(host, port) == Speaks::kOllama)
            bad.push_back(fmt::format("{}:{} says that it is Ollama ({})", host, port, where));
    };
    for (const auto& address : machine.addresses)
        ask(address.host, address.port, address.where);
    for (const auto& url : options.ask)
        if (const auto origin = net::parse_origin(url, kOllamaPort))
            ask(origin->host, origin->port, "named");
    std::string clean = segues.empty()
                            ? fmt::format("nothing listens on {}", ports_text(machine.ports))
                            : fmt::format("only Segue listens on {} ({})",
                                          ports_text(machine.ports), join(segues, ", "));
    if (hosts > 0) clean += fmt::format("; {} configured hosts are no Ollama", hosts);
    judge(out, std::move(bad), machine.unread_sockets, std::move(clean),
          "listeners are not Segue's");
    return out;
}

Part connections_part(const Machine& machine, const ProofOptions& options) {
    Part out = part("SEG205", "connections", "segue audit --prove --watch 24h, as root");
    std::vector<std::string> bad;
    std::vector<std::string> unread = machine.unread_sockets;
    std::size_t samples = 0;
    const auto begin = std::chrono::steady_clock::now();
    std::map<std::uint64_t, Socket> seen;
    while (true) {
        std::vector<std::string> now_unread;
        for (const auto& socket : options.host.sockets(machine.processes, now_unread))
            if (!socket.listening && machine.ports.contains(socket.remote_port))
                seen.emplace(socket.inode, socket);
        ++samples;
        const auto passed = std::chrono::steady_clock::now() - begin;
        if (passed + options.sample > options.watch) break;
        std::this_thread::sleep_for(options.sample);
    }
    std::set<std::uint64_t> inodes;
    for (const auto& [inode, socket] : seen)
        inodes.insert(inode);
    const auto owners = options.host.owners(inodes);
    for (const auto& [inode, socket] : seen) {
        const auto found = owners.find(inode);
        std::string who = "a process that this user may not see";
        if (found != owners.end()) {
            who = fmt::format("process {}", found->second);
            for (const auto& process : machine.processes)
                if (process.pid == found->second) who = process.label();
        }
        bad.push_back(
            fmt::format("{} is connected to {}:{}", who, socket.remote, socket.remote_port));
    }
    const auto watched =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
    const std::string how =
        fmt::format("{} {} in {} s", samples, samples == 1 ? "look" : "looks", watched.count());
    if (bad.empty() && samples < 2) {
        out.says =
            "no connection to the old ports in one look, which says nothing of the next minute; "
            "--watch looks longer";
        return out;
    }
    judge(out, std::move(bad), std::move(unread),
          fmt::format("no connection to {} in {}", ports_text(machine.ports), how),
          fmt::format("connections to the old ports in {}", how));
    return out;
}

Part processes_part(const Machine& machine, const ProofOptions& options) {
    Part out = part(
        "SEG206", "processes and units",
        "sudo segue audit --prove, or: pgrep -af ollama; systemctl list-unit-files '*ollama*'");
    std::vector<std::string> unread = machine.unread_processes;
    std::vector<std::string> bad;
    for (const auto& process : machine.processes)
        if (is_ollama(process)) bad.push_back("process " + process.label());
    auto timetable = options.host.timetable(unread);
    bad.insert(bad.end(), timetable.active.begin(), timetable.active.end());
    for (const auto& left : timetable.left)
        out.seen.push_back("left over, not started by anything: " + left);
    judge(out, std::move(bad), std::move(unread),
          fmt::format("none of {} processes is Ollama's, and no unit, timer, cron line or "
                      "autostart starts it",
                      machine.processes.size()),
          "things run or start Ollama");
    return out;
}

Part environment_part(const Machine& machine, const ProofOptions&) {
    Part out = part("SEG207", "environment of what runs",
                    "sudo segue audit --prove, or: sudo grep -lz OLLAMA /proc/[0-9]*/environ");
    std::vector<std::string> bad;
    std::size_t unread = 0;
    std::size_t read = 0;
    for (const auto& process : machine.processes) {
        if (is_segue(process)) continue;
        if (!process.environment_read) {
            ++unread;
            continue;
        }
        ++read;
        std::string names;
        for (const auto& name : process.environment)
            if (has_word(name)) names += (names.empty() ? "" : ", ") + name;
        if (!names.empty()) bad.push_back(fmt::format("process {}: {}", process.label(), names));
    }
    std::vector<std::string> missing = machine.unread_processes;
    if (unread > 0)
        missing.push_back(fmt::format("the environment of {} processes of other users", unread));
    if (machine.containers)
        bad.insert(bad.end(), machine.containers->environment.begin(),
                   machine.containers->environment.end());
    else if (!machine.containers_none)
        missing.push_back("containers (" + machine.containers_why + ")");
    judge(out, std::move(bad), std::move(missing),
          fmt::format("none of {} processes{} has a variable of Ollama's", read,
                      machine.containers
                          ? fmt::format(" and {} containers", machine.containers->containers)
                          : ""),
          "processes and containers have its variables");
    return out;
}

Part containers_part(const Machine& machine, const ProofOptions&) {
    Part out = part("SEG208", "containers, images, volumes, networks",
                    "docker ps -a; docker images; docker volume ls; docker network ls (or podman)");
    if (machine.containers_none) {
        out.standing = Standing::kClean;
        out.says = "there is no container engine here: no socket of one, and no process";
        return out;
    }
    if (!machine.containers) {
        out.says = machine.containers_why;
        return out;
    }
    judge(out, machine.containers->found, {},
          fmt::format("nothing of Ollama's at {} with {} containers", machine.containers->engine,
                      machine.containers->containers),
          fmt::format("things of Ollama's at {}", machine.containers->engine));
    return out;
}

namespace {

void collect_images(json::Value value, std::vector<std::string>& out) {
    for (const auto member : value) {
        if (value.is_object() && member.key() == "image" && member.is_string() &&
            has_word(member.string()))
            out.emplace_back(member.string());
        if (member.is_object() || member.is_array()) collect_images(member, out);
    }
}

}  // namespace

Part kubernetes_part(const ProofOptions&) {
    Part out = part("SEG209", "Kubernetes",
                    "kubectl get pods,deploy,sts,ds,svc,pvc,cm -A | grep -i ollama; helm list -A | "
                    "grep -i ollama");
    const auto context = output_of({"kubectl", "config", "current-context"});
    if (!context) {
        out.says = "there is no kubectl with a current context here";
        return out;
    }
    const std::string where(trim(*context));
    const auto listed = output_of(
        {"kubectl", "--request-timeout=10s", "get",
         "pods,deployments,statefulsets,daemonsets,services,persistentvolumeclaims,configmaps",
         "--all-namespaces", "-o", "json"});
    json::Parser parser;
    const auto root = listed ? parser.parse(*listed) : parser.parse("");
    if (!root || !(*root)["items"].is_array()) {
        out.says = fmt::format("kubectl could not list everything in context {}", where);
        return out;
    }
    std::vector<std::string> bad;
    for (const auto item : (*root)["items"]) {
        const auto name = item["metadata"]["name"].string();
        const std::string what = fmt::format("{} {}/{}", item["kind"].string(),
                                             item["metadata"]["namespace"].string(), name);
        std::vector<std::string> images;
        collect_images(item["spec"], images);
        bool label = false;
        for (const auto one : item["metadata"]["labels"])
            label = label || has_word(one.string());
        for (const auto one : item["data"])
            label = label || has_word(one.key());
        if (!images.empty())
            bad.push_back(fmt::format("{} runs {}", what, images.front()));
        else if (has_word(name) || label)
            bad.push_back(what);
    }
    judge(out, std::move(bad), {},
          fmt::format("none of {} objects in context {}", (*root)["items"].size(), where),
          fmt::format("objects in context {}", where));
    return out;
}

Part names_part(const Machine& machine, const ProofOptions& options) {
    Part out = part("SEG210", "host names that were Ollama's", "getent hosts NAME");
    std::set<std::string> names(options.names.begin(), options.names.end());
    for (const auto& address : machine.addresses)
        if (!is_local(address.host) && !net::parse_address(address.host))
            names.insert(address.host);
    std::vector<std::string> bad;
    for (const auto& name : names) {
        const auto found = net::lookup_host(name);
        if (!found || found->empty()) continue;
        bool segue = false;
        for (const int port : machine.ports)
            segue = segue || ask_server(name, port) == Speaks::kSegue;
        if (!segue)
            bad.push_back(fmt::format("{} resolves to {}", name, found->front().to_string()));
    }
    judge(out, std::move(bad), {},
          names.empty()
              ? std::string(
                    "the configuration names no host of Ollama's any more (--old-name names some)")
              : fmt::format("none of {} names resolves to anything but Segue", names.size()),
          "names still resolve");
    return out;
}

Part off_switch_part(const Report& report, const Machine& machine, const ProofOptions& options,
                     bool off) {
    Part out =
        part("SEG211", "off switch", "stop Ollama, then: segue audit --prove --check 'make test'");
    if (options.check.empty()) {
        out.says = "no check command was named (--check)";
        return out;
    }
    if (!off) {
        out.says = "Ollama still runs or listens here (SEG204, SEG206): stop it first";
        return out;
    }
    const auto begin = std::chrono::steady_clock::now();
    // Its output is the check's own business; whether it passed is what counts.
    const bool passed =
        output_of({"/bin/sh", "-c",
                   fmt::format("cd '{}' && ({}) >/dev/null 2>&1",
                               replace_all(report.root, "'", "'\\''"), options.check)})
            .has_value();
    const auto took =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
    std::vector<std::string> unread;
    const auto after = options.host.processes(unread);
    const bool still_off = std::none_of(after.begin(), after.end(), is_ollama) &&
                           listeners_part(machine, options).standing == Standing::kClean;
    out.standing = passed && still_off ? Standing::kClean : Standing::kNotClean;
    out.says = !passed
                   ? fmt::format("'{}' failed with Ollama off ({} s)", options.check, took.count())
               : !still_off
                   ? fmt::format("'{}' passed, but Ollama runs again", options.check)
                   : fmt::format("'{}' passed with Ollama off ({} s)", options.check, took.count());
    return out;
}

}  // namespace segue::audit
