/// `segue audit --prove`: a claim about a tree and about what runs, with each thing that was looked
/// at, and each that was not. Static findings become one part; the runtime probes SEG201 to SEG211
/// (docs/audit.md) one each. Probes read only: nothing is stopped, started or changed, but for the
/// check command that the caller names. Only hosts that the configuration or the caller names are
/// asked.
///
/// Blocking; one thread, apart from what the audit itself uses.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "audit/audit.hpp"
#include "audit/proof/host.hpp"
#include "base/settings.hpp"
#include "evidence/record.hpp"

namespace segue::audit {

/// runtime-free: nothing runs or reaches Ollama; clients may still speak its protocol to Segue.
/// reference-free: no reference remains either.
enum class ProofClaim : std::uint8_t { kRuntimeFree, kReferenceFree };

struct ProofOptions {
    ProofClaim claim = ProofClaim::kReferenceFree;
    std::string gateway;                 // URL of the running Segue; "" = none is known
    bool gateway_named = false;          // else it is where this configuration would listen
    std::string gateway_key;             // shown to it
    int days = 7;                        // how long the gateway must not have used Ollama
    std::vector<int> ports;              // besides 11434 and those that the audit tied to Ollama
    std::vector<std::string> names;      // host names that were Ollama's
    std::vector<std::string> ask;        // URLs of servers to ask, besides those in configuration
    std::string docker_socket;           // "" = the usual places
    std::chrono::milliseconds watch{0};  // how long connections are watched
    std::chrono::milliseconds sample{60'000};  // between two looks
    std::string check;                         // the project's own check, run while Ollama is off
    std::chrono::milliseconds off_for{30 * 60'000};  // how long it stays off, and is looked at
    std::chrono::hours valid{24 * 30};
    std::set<std::string> required;  // parts; empty = the policy's, else the default
    WallTime now{};
    Environment environment;
    Host host;  // where /proc is
};

/// The record without signer. Never fails: what could not be looked at is a part that says so.
evidence::Record prove(const Report& report, const ProofOptions& options);

/// The names of all parts, for checking `proof.required`.
bool is_part(std::string_view id);

}  // namespace segue::audit
