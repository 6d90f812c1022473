// What several probes share: the machine, looked at once, and the servers that are named.
#include "audit/proof/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>

#include "audit/proof/part.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"
#include "net/client.hpp"

namespace segue::audit {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(2'000);

bool digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::optional<int> port_in(std::string_view text) {
    int port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || port < 1 || port > 65535) return std::nullopt;
    return port;
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

}  // namespace segue::audit
