/// The runtime probes, one function each; what they share is looked at once (Surroundings of the
/// machine). See proof.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/proof/containers.hpp"
#include "audit/proof/host.hpp"
#include "audit/proof/proof.hpp"
#include "base/json.hpp"

namespace segue::audit {

/// A server that the configuration names as Ollama's.
struct Address {
    std::string host;
    int port = 0;
    std::string where;  // "docker-compose.yml:10"
    bool operator==(const Address&) const = default;
};
/// Out of findings of base_url: URLs, and numbers that are ports.
std::vector<Address> addresses_of(const Report& report);

/// What a server on a port says it is.
enum class Speaks : std::uint8_t { kNobody, kSegue, kOllama, kOther };
Speaks ask_server(const std::string& host, int port);

/// Seen once, used by several probes.
struct Machine {
    std::vector<Process> processes;
    std::vector<std::string> unread_processes;
    std::vector<Socket> sockets;
    std::vector<std::string> unread_sockets;
    std::optional<ContainerFacts> containers;
    std::string containers_why;  // why there are no facts; "" with no containers = no engine here
    bool containers_none = false;
    std::set<int> ports;
    std::vector<Address> addresses;
    std::optional<std::string> usage;  // JSON of /segue/v1/usage
    std::string usage_why;
};
Machine look(const Report& report, const ProofOptions& options);

evidence::Part gateway_engine_part(const Machine& machine, const ProofOptions& options);
evidence::Part gateway_front_part(const Machine& machine, const ProofOptions& options);
evidence::Part tripwire_part(const Machine& machine, const ProofOptions& options);
evidence::Part listeners_part(const Machine& machine, const ProofOptions& options);
evidence::Part connections_part(const Machine& machine, const ProofOptions& options);
evidence::Part processes_part(const Machine& machine, const ProofOptions& options);
evidence::Part environment_part(const Machine& machine, const ProofOptions& options);
evidence::Part containers_part(const Machine& machine, const ProofOptions& options);
evidence::Part kubernetes_part(const ProofOptions& options);
evidence::Part names_part(const Machine& machine, const ProofOptions& options);
/// Asks the gateway a few questions as its clients would: which model answered how many. An error:
/// what was not answered, and why.
Result<std::string> ask_questions(const ProofOptions& options);
/// `off`: Ollama does not run here, as the parts before say.
evidence::Part off_switch_part(const Report& report, const Machine& machine,
                               const ProofOptions& options, bool off);

}  // namespace segue::audit
