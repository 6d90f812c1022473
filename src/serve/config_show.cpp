#include <fmt/format.h>

#include <iterator>

#include "base/json.hpp"
#include "serve/config.hpp"
#include "store/store.hpp"

namespace segue::serve {
namespace {

std::string duration(std::chrono::milliseconds value) {
    return value.count() % 1000 == 0 ? fmt::format("{}s", value.count() / 1000)
                                     : fmt::format("{}ms", value.count());
}

std::string_view backend_name(engine::Backend backend) {
    switch (backend) {
        case engine::Backend::kAuto: return "auto";
        case engine::Backend::kOllama: return "ollama";
        case engine::Backend::kVllm: return "vllm";
    }
    return "auto";
}

std::string_view level_name(log::Level level) {
    switch (level) {
        case log::Level::kDebug: return "debug";
        case log::Level::kInfo: return "info";
        case log::Level::kWarning: return "warning";
        case log::Level::kError: return "error";
        case log::Level::kOff: return "off";
    }
    return "info";
}

void write_engine(json::Writer& w, const engine::EngineConfig& engine) {
    w.begin_object().member("name", engine.name);
    w.member("dialect",
             engine.dialect ? llm::dialect_name(*engine.dialect) : std::string_view("auto"));
    w.member("url", engine.origin.to_string());
    if (!engine.api_key.empty()) w.member("api_key", "********");
    w.member("probe_interval", duration(engine.probe_interval));
    w.member("probe_timeout", duration(engine.probe_timeout));
    w.member("probe_capabilities", engine.probe_capabilities);
    w.key("deadlines").begin_object().member("connect", duration(engine.deadlines.connect));
    w.member("first_event", duration(engine.deadlines.first_event));
    w.member("between_events", duration(engine.deadlines.between_events));
    w.member("total", duration(engine.deadlines.total)).end_object();
    const engine::BreakerOptions& breaker = engine.breaker;
    w.key("breaker").begin_object().member("failures", breaker.failures);
    w.member("failure_rate", breaker.failure_rate).member("min_requests", breaker.min_requests);
    w.member("window", duration(breaker.window)).member("ejection", duration(breaker.ejection));
    w.member("max_ejection", duration(breaker.max_ejection));
    w.member("trials", breaker.trials).end_object();
    const engine::AdmissionOptions& admission = engine.admission;
    using Limit = engine::AdmissionOptions::Limit;
    w.key("admission").begin_object().key("limit");
    admission.limit == Limit::kFixed
        ? w.integer(admission.fixed)
        : w.string(admission.limit == Limit::kOff ? "off" : "adaptive");
    w.member("least", admission.least).member("most", admission.most);
    w.member("queue", admission.queue).member("longest_wait", duration(admission.longest_wait));
    w.member("spill", admission.spill).end_object();
    w.key("tls")
        .begin_object()
        .member("verify", engine.tls.verify)
        .member("ca_file", engine.tls.ca_file);
    w.member("server_name", engine.tls.server_name).end_object().end_object();
}

void write_balance(json::Writer& w, const engine::BalanceOptions& options) {
    w.member("balance", engine::balance_name(options.balance)).key("affinity").begin_object();
    w.member("hot_factor", options.hot_factor).member("hot_requests", options.hot_requests);
    w.end_object();
}

void write_model(json::Writer& w, const engine::ModelConfig& model) {
    w.begin_object().member("name", model.name);
    write_balance(w, model.balance);
    w.key("targets").begin_array();
    for (const auto& target : model.targets) {
        w.begin_object().member("engine", target.engine).member("model", target.model);
        w.member("priority", target.priority).end_object();
    }
    w.end_array().end_object();
}

/// JSON objects and lists as block YAML; scalars stay JSON, which is YAML.
void to_yaml(json::Value value, std::size_t depth, std::string& out) {
    const std::string pad(depth * 2, ' ');
    if (value.is_object()) {
        for (const auto member : value) {
            const bool block = (member.is_object() || member.is_array()) && !member.empty();
            out.append(pad).append(member.key()).append(block ? ":\n" : ": ");
            block ? to_yaml(member, depth + 1, out) : void(out.append(member.raw()).append("\n"));
        }
        return;
    }
    for (const auto element : value) {
        if (!element.is_object()) {
            out.append(pad).append("- ").append(element.raw()).append("\n");
            continue;
        }
        std::string inner;
        to_yaml(element, depth + 1, inner);
        inner.replace(depth * 2, 2, "- ");
        out += inner;
    }
}

}  // namespace

std::string show_config_json(const Config& config) {
    return json::object([&](json::Writer& w) {
        w.member("listen", config.listen)
            .member("workers", config.workers)
            .member("data_dir", config.data_dir);
        w.member("store", config.gateway.allow_aliases).member("drain", duration(config.drain));
        using Kind = DatabaseConfig::Kind;
        const DatabaseConfig& database = config.database;
        w.member("database", database.kind == Kind::kNone      ? "none"
                             : database.kind == Kind::kPrivate ? "private"
                                                               : store::describe_url(database.url));
        w.member("database_connections", database.connections);
        if (!database.pg_bin.empty()) w.member("pg_bin", database.pg_bin);
        if (!database.user.empty()) w.member("database_user", database.user);
        w.member("rehearsal", config.rehearsal)
            .member("backend", backend_name(config.registry.backend));
        w.member("translation", config.gateway.policy.strict ? "strict" : "lenient");
        w.member("reasoning_field",
                 config.gateway.policy.both_reasoning_fields ? "both" : "reasoning");
        w.member("openai_sampling_defaults",
                 config.gateway.policy.ollama_sampling_for_openai ? "ollama" : "model");
        w.member("ollama_version", config.gateway.ollama_version);
        w.member("keep_alive_comments", duration(config.gateway.keep_alive));
        w.member("max_attempts", config.gateway.max_attempts);
        w.key("keys").begin_array();
        for (std::size_t i = 0; i < config.gateway.keys.size(); ++i)
            w.string("********");
        w.end_array()
            .member("insecure_no_auth", config.insecure_no_auth)
            .key("allowed_origins")
            .begin_array();
        for (const auto& origin : config.gateway.allowed_origins)
            w.string(origin);
        w.end_array().key("log").begin_object().member("level", level_name(config.log_level));
        w.member("format", config.log_format == log::Format::kJson ? "json" : "text").end_object();
        w.key("limits").begin_object().member("max_connections", config.limits.max_connections);
        if (config.connections_per_address)
            w.member("max_connections_per_address", *config.connections_per_address);
        w.member("max_body", config.limits.max_body_bytes);
        w.member("max_header", config.limits.max_header_bytes)
            .member("max_headers", config.limits.max_headers);
        w.member("header_timeout", duration(config.limits.header_timeout));
        w.member("body_timeout", duration(config.limits.body_timeout));
        w.member("min_body_rate", config.limits.min_body_rate)
            .member("handshake_timeout", duration(config.limits.handshake_timeout))
            .member("max_streams", config.limits.max_streams)
            .member("write_timeout", duration(config.limits.write_timeout));
        w.member("idle_timeout", duration(config.limits.idle_timeout)).end_object();
        write_balance(w, config.registry.balance);
        if (const auto& embedding = config.embedding; !embedding.engine.empty()) {
            w.key("embedding").begin_object().member("engine", embedding.engine);
            w.member("model", embedding.model);
            w.member("question_prefix", embedding.question_prefix);
            w.member("passage_prefix", embedding.passage_prefix).end_object();
        }
        w.key("retrieval").begin_object().key("listed").begin_array();
        for (const auto& name : config.retrieval.listed)
            w.string(name);
        w.end_array().end_object();
        if (config.oidc) {
            w.key("oidc").begin_object().member("issuer", config.oidc->issuer);
            w.member("client_id", config.oidc->client_id).member("name", config.oidc->name);
            if (!config.oidc->client_secret.empty()) w.member("client_secret", "********");
            w.member("redirect_url", config.oidc->redirect_url).key("domains").begin_array();
            for (const auto& domain : config.oidc->domains)
                w.string(domain);
            w.end_array().member("ca_file", config.oidc->ca_file).end_object();
        }
        if (config.tls) {
            w.key("tls").begin_object().member("certificate", config.tls->certificate);
            w.member("key", config.tls->key).member("client_ca", config.tls->client_ca);
            const bool newest = config.tls->min_version == net::ServerTls::Version::k13;
            w.member("min_version", newest ? "1.3" : "1.2").end_object();
        }
        w.key("engines").begin_array();
        for (const auto& engine : config.registry.engines)
            write_engine(w, engine);
        w.end_array().key("models").begin_array();
        for (const auto& model : config.registry.models)
            write_model(w, model);
        w.end_array();
        if (!config.registry.default_model.empty())
            w.member("default_model", config.registry.default_model);
    });
}

std::string show_config(const Config& config) {
    std::string out = config.file.empty()
                          ? "# no file was read: environment and defaults\n"
                          : fmt::format("# {} with environment and defaults\n", config.file);
    json::Parser parser;
    if (const auto root = parser.parse(show_config_json(config))) to_yaml(*root, 0, out);
    return out;
}

std::string_view initial_config() {
    return R"(# segue.yaml: everything here has a default; segue config check tells whether it is right.
# Each key can also be set by the environment: listen is SEGUE_LISTEN, limits.max_body is SEGUE_LIMITS_MAX_BODY.
listen: 127.0.0.1:8484

# Which engines may answer: auto, ollama or vllm (AI_BACKEND says the same).
backend: auto

engines:
  - name: vllm
    dialect: openai            # ollama, openai (vllm is the same) or auto
    url: http://127.0.0.1:8000
    # api_key_env: VLLM_API_KEY
  - name: ollama
    dialect: ollama
    url: http://127.0.0.1:11434

# The names that clients use. Without this section every model of every engine is served under its own name.
# models:
#   - name: llama3.1:8b
#     targets:
#       - {engine: vllm, model: meta-llama/Llama-3.1-8B-Instruct}
#       - {engine: ollama, model: "llama3.1:8b", priority: 1}   # asked when vllm cannot answer
#     profile:
#       thinking: no
#       parameters: {temperature: 0.7}

# What a target cannot express is left out and named in the Segue-Ignored header; strict makes it an error.
translation: lenient

log: {level: info, format: text}
)";
}

}  // namespace segue::serve
