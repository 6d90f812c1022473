// Ports, connections and names: SEG204, SEG205, SEG210.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "audit/proof/part.hpp"
#include "audit/proof/probes.hpp"
#include "base/text.hpp"
#include "net/client.hpp"
#include "net/resolver.hpp"

namespace segue::audit {

using evidence::Part;

Part listeners_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG204", "listeners",
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
    conclude(out, std::move(bad), machine.unread_sockets, std::move(clean),
             "listeners are not Segue's");
    return out;
}

Part connections_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG205", "connections", "segue audit --prove --watch 24h, as root");
    std::vector<std::string> bad;
    std::vector<std::string> unread = machine.unread_sockets;
    std::size_t samples = 0;
    const auto begin = std::chrono::steady_clock::now();
    std::map<std::uint64_t, Socket> seen;
    std::set<std::string> passed_on;
    bool tracks = false;
    while (true) {
        std::vector<std::string> now_unread;
        for (const auto& socket : options.host.sockets(machine.processes, now_unread))
            if (!socket.listening && machine.ports.contains(socket.remote_port))
                seen.emplace(socket.inode, socket);
        if (const auto tracked = options.host.tracked()) {
            tracks = true;
            for (const auto& one : *tracked)
                if (machine.ports.contains(one.remote_port))
                    passed_on.insert(fmt::format("{} was connected to {}:{} (connection tracking)",
                                                 one.local, one.remote, one.remote_port));
        }
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
    // What a socket here shows already is not said twice.
    if (bad.empty()) bad.assign(passed_on.begin(), passed_on.end());
    const auto watched =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
    const std::string how =
        fmt::format("{} {} in {} s{}", samples, samples == 1 ? "look" : "looks", watched.count(),
                    tracks ? ", connection tracking among them" : "");
    if (bad.empty() && samples < 2) {
        out.says =
            "no connection to the old ports in one look, which says nothing of the next minute; "
            "--watch looks longer";
        return out;
    }
    conclude(out, std::move(bad), std::move(unread),
             fmt::format("no connection to {} in {}", ports_text(machine.ports), how),
             fmt::format("connections to the old ports in {}", how));
    return out;
}

Part names_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part("SEG210", "host names that were Ollama's", "getent hosts NAME");
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
    conclude(
        out, std::move(bad), {},
        names.empty()
            ? std::string(
                  "the configuration names no host of Ollama's any more (--old-name names some)")
            : fmt::format("none of {} names resolves to anything but Segue", names.size()),
        "names still resolve");
    return out;
}

}  // namespace segue::audit
