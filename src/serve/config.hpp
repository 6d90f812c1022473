/// The whole configuration: segue.yaml, the environment, flags, and what discovery finds. Order:
/// flag, environment, file, default.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/settings.hpp"
#include "engine/registry.hpp"
#include "gateway/config.hpp"
#include "net/server.hpp"
#include "net/tls.hpp"
#include "people/oidc.hpp"
#include "telemetry/otlp.hpp"

namespace segue::serve {

/// Where the store is.
struct DatabaseConfig {
    enum class Kind : std::uint8_t { kNone, kPrivate, kUrl } kind = Kind::kPrivate;
    std::string url;     // kUrl; may hold a password
    std::string pg_bin;  // kPrivate: folder of PostgreSQL's programs; "" = look for them
    std::string user;    // kPrivate, started by root: as whom PostgreSQL runs
    std::size_t connections = 16;
};

/// What gives texts their vectors.
struct EmbeddingConfig {
    std::string engine;  // of `engines`; "" = the model inside the process
    std::string model;
    std::string question_prefix;
    std::string passage_prefix;
};

/// Documents behind models' names.
struct RetrievalConfig {
    std::vector<std::string> listed;  // collections in the lists of models; "*" = all
};

struct Config {
    std::string file;  // "" = none was read
    std::string listen = "127.0.0.1:8484";
    std::size_t workers = 0;  // 0 = one for each core
    std::string data_dir;
    std::chrono::milliseconds drain{30'000};  // how long open streams may go on after SIGTERM
    log::Level log_level = log::Level::kInfo;
    log::Format log_format = log::Format::kText;
    net::ServerLimits limits;
    /// Empty: no limit where every client has the same address (a loopback listener), else 1024.
    std::optional<std::size_t> connections_per_address;
    std::optional<net::ServerTls> tls;  // empty: plain HTTP
    gateway::GatewayConfig gateway;
    engine::Registry::Options registry;
    DatabaseConfig database;
    RetrievalConfig retrieval;
    EmbeddingConfig embedding;
    std::optional<people::OidcConfig> oidc;
    std::optional<telemetry::TracingConfig> tracing;  // OpenTelemetry's own variables
    bool discover =
        false;  // no engine is named anywhere: look at the usual addresses, else rehearse
    bool insecure_no_auth = false;  // without any key, listen even where other machines reach it
    bool rehearsal = true;          // start rehearsal engines when discovery finds nothing
};

/// `config.limits` with what depends on where the gateway listens and on how many descriptors it
/// may have: clients leave some for engines.
net::ServerLimits limits_for(const Config& config, bool loopback, std::size_t descriptors);

/// What the command line gave; empty = not given.
struct Flags {
    std::string config_file;  // --config; a file that was named must exist
    std::string listen;
    std::string data_dir;
    std::optional<std::size_t> workers;
    bool no_store = false;
    bool insecure_no_auth = false;
};

struct LoadedConfig {
    Config config;
    std::vector<SettingIssue> issues;  // not empty: nothing may start
};

/// Reads ./segue.yaml, or the file that --config or SEGUE_CONFIG names, and the environment.
LoadedConfig load_config(const Flags& flags, const Environment& environment);
/// The same from a text; `file` names it in issues.
LoadedConfig read_config(std::string_view text, const std::string& file, const Flags& flags,
                         const Environment& environment);

/// The configuration in force as YAML, for people: keys are masked, profiles are left out.
std::string show_config(const Config& config);
std::string show_config_json(const Config& config);
/// A commented file to begin with.
std::string_view initial_config();

}  // namespace segue::serve
