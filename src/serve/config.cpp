#include "serve/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "engine/config.hpp"
#include "rag/search/collections.hpp"

namespace segue::serve {
namespace {

constexpr std::string_view kDefaultFile = "segue.yaml";
// More than a busy application server opens, less than an attacker wants.
constexpr std::size_t kConnectionsPerAddress = 1024;

std::string default_data_dir(const Environment& environment) {
    if (const auto data = environment("XDG_DATA_HOME"); data && !data->empty())
        return *data + "/segue";
    if (const auto home = environment("HOME"); home && !home->empty())
        return *home + "/.local/share/segue";
    return "/var/lib/segue";
}

void read_log(Settings& top, Config& config) {
    auto section = top.section("log");
    if (!section) return;
    static constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "warning", "error",
                                                             "off"};
    if (const auto level = section->choice("level", kLevels))
        config.log_level = static_cast<log::Level>(*level);
    static constexpr std::array<std::string_view, 2> kFormats{"text", "json"};
    if (const auto format = section->choice("format", kFormats))
        config.log_format = static_cast<log::Format>(*format);
    section->finish();
}

void read_limits(Settings& top, Config& config) {
    auto section = top.section("limits");
    if (!section) return;
    net::ServerLimits& limits = config.limits;
    constexpr std::int64_t kMany = 1'000'000;
    if (const auto count = section->integer("max_connections", 0, kMany))
        limits.max_connections = static_cast<std::size_t>(*count);
    if (const auto count = section->integer("max_connections_per_address", 0, kMany))
        config.connections_per_address = static_cast<std::size_t>(*count);
    if (const auto size = section->bytes("max_body"))
        limits.max_body_bytes = static_cast<std::size_t>(*size);
    if (const auto size = section->bytes("max_header"))
        limits.max_header_bytes = static_cast<std::size_t>(*size);
    if (const auto count = section->integer("max_headers", 1, 10'000))
        limits.max_headers = static_cast<std::size_t>(*count);
    limits.header_timeout = section->duration("header_timeout").value_or(limits.header_timeout);
    limits.body_timeout = section->duration("body_timeout").value_or(limits.body_timeout);
    if (const auto rate = section->bytes("min_body_rate"))
        limits.min_body_rate = static_cast<std::size_t>(*rate);
    limits.handshake_timeout =
        section->duration("handshake_timeout").value_or(limits.handshake_timeout);
    if (const auto count = section->integer("max_streams", 0, 10'000))
        limits.max_streams = static_cast<std::size_t>(*count);
    limits.write_timeout = section->duration("write_timeout").value_or(limits.write_timeout);
    limits.idle_timeout = section->duration("idle_timeout").value_or(limits.idle_timeout);
    config.gateway.max_body_bytes = limits.max_body_bytes;
    section->finish();
}

/// Paths are as the process sees them: from the folder that it was started in.
void read_tls(Settings& top, Config& config) {
    auto section = top.section("tls");
    if (!section) return;
    net::ServerTls tls;
    tls.certificate = section->string("certificate").value_or("");
    tls.key = section->string("key").value_or("");
    tls.client_ca = section->string("client_ca").value_or("");
    static constexpr std::array<std::string_view, 2> kVersions{"1.2", "1.3"};
    tls.min_version =
        static_cast<net::ServerTls::Version>(section->choice("min_version", kVersions).value_or(0));
    if (tls.certificate.empty() != tls.key.empty())
        section->complain("", tls.key.empty() ? "'tls.certificate' needs 'tls.key' beside it"
                                              : "'tls.key' needs 'tls.certificate' beside it");
    if (tls.certificate.empty() && !tls.client_ca.empty())
        section->complain("client_ca", "'tls.client_ca' needs 'tls.certificate' and 'tls.key'");
    tls.http2 = config.limits.max_streams > 0;
    if (!tls.certificate.empty()) config.tls = std::move(tls);
    section->finish();
}

/// "auto": DATABASE_URL where it is set, else a private one.
void read_database(Settings& top, Config& config, const Environment& environment) {
    DatabaseConfig& database = config.database;
    const std::string named = top.string("database").value_or("auto");
    if (named == "none") {
        database.kind = DatabaseConfig::Kind::kNone;
    } else if (named == "auto" || named == "private") {
        if (const auto url = environment("DATABASE_URL"); named == "auto" && url && !url->empty())
            database.url = *url;
    } else if (named.starts_with("postgres://") || named.starts_with("postgresql://")) {
        database.url = named;
    } else {
        // Not shown: it may be a URL with a password in it and a mistake before it.
        top.complain("database",
                     "'database' is auto, private, none, or a URL such as "
                     "postgresql://segue@db.example/segue");
    }
    if (!database.url.empty()) database.kind = DatabaseConfig::Kind::kUrl;
    database.pg_bin = top.string("pg_bin").value_or("");
    database.user = top.string("database_user").value_or("");
    database.connections =
        static_cast<std::size_t>(top.integer("database_connections", 2, 1000)
                                     .value_or(static_cast<std::int64_t>(database.connections)));
}

void read_oidc(Settings& top, Config& config) {
    auto section = top.section("oidc");
    if (!section) return;
    people::OidcConfig oidc;
    oidc.issuer = section->string("issuer").value_or("");
    oidc.client_id = section->string("client_id").value_or("");
    oidc.client_secret = section->string("client_secret").value_or("");
    oidc.name = section->string("name").value_or(oidc.name);
    oidc.redirect_url = section->string("redirect_url").value_or("");
    oidc.domains = section->strings("domains").value_or(std::vector<std::string>{});
    oidc.ca_file = section->string("ca_file").value_or("");
    if (!oidc.issuer.empty()) {
        if (const auto good = people::good_oidc(oidc); !good)
            section->complain("issuer", good.error().detail);
        config.oidc = std::move(oidc);
    }
    section->finish();
}

void read_embedding(Settings& top, Config& config) {
    auto section = top.section("embedding");
    if (!section) return;
    EmbeddingConfig& embedding = config.embedding;
    embedding.engine = section->string("engine").value_or("");
    embedding.model = section->string("model").value_or("");
    embedding.question_prefix = section->string("question_prefix").value_or("");
    embedding.passage_prefix = section->string("passage_prefix").value_or("");
    const auto& engines = config.registry.engines;
    if (embedding.engine.empty() != embedding.model.empty())
        section->complain("", "'embedding.engine' and 'embedding.model' belong together");
    else if (!embedding.engine.empty() &&
             std::none_of(engines.begin(), engines.end(),
                          [&](const auto& one) { return one.name == embedding.engine; }))
        section->complain("engine",
                          fmt::format("there is no engine '{}' in 'engines'", embedding.engine));
    section->finish();
}

void read_retrieval(Settings& top, Config& config) {
    auto section = top.section("retrieval");
    if (!section) return;
    config.retrieval.listed = section->strings("listed").value_or(std::vector<std::string>{});
    for (const auto& name : config.retrieval.listed)
        if (name != "*" && !rag::is_collection_slug(name))
            section->complain("listed", fmt::format("'{}' is no name of a collection; '*' is all "
                                                    "of them",
                                                    name));
    section->finish();
}

void read_gateway(Settings& top, Config& config) {
    gateway::GatewayConfig& gateway = config.gateway;
    static constexpr std::array<std::string_view, 2> kTranslation{"lenient", "strict"};
    gateway.policy.strict = top.choice("translation", kTranslation).value_or(0) == 1;
    static constexpr std::array<std::string_view, 2> kReasoning{"reasoning", "both"};
    gateway.policy.both_reasoning_fields =
        top.choice("reasoning_field", kReasoning).value_or(0) == 1;
    static constexpr std::array<std::string_view, 2> kSampling{"ollama", "model"};
    gateway.policy.ollama_sampling_for_openai =
        top.choice("openai_sampling_defaults", kSampling).value_or(0) == 0;
    gateway.keys = top.strings("keys").value_or(std::vector<std::string>{});
    for (const auto& key : gateway.keys)
        if (key.empty()) top.complain("keys", "a key must not be empty");
    gateway.allowed_origins = top.strings("allowed_origins").value_or(std::vector<std::string>{});
    gateway.ollama_version = top.string("ollama_version").value_or(gateway.ollama_version);
    gateway.keep_alive = top.duration("keep_alive_comments").value_or(gateway.keep_alive);
    gateway.max_attempts =
        static_cast<int>(top.integer("max_attempts", 1, 100).value_or(gateway.max_attempts));
}

std::optional<engine::EngineConfig> engine_from_environment(std::string_view name,
                                                            llm::Dialect dialect,
                                                            std::string_view variable,
                                                            std::string_view url,
                                                            std::vector<SettingIssue>& issues) {
    engine::EngineConfig engine;
    engine.name = name;
    engine.dialect = dialect;
    // People write VLLM_ENDPOINT with or without the /v1 that OpenAI's clients want.
    if (url.ends_with('/')) url.remove_suffix(1);
    if (dialect == llm::Dialect::kOpenAi && url.ends_with("/v1")) url.remove_suffix(3);
    const auto origin = net::parse_origin(url, dialect == llm::Dialect::kOllama ? 11434 : 8000);
    if (!origin) {
        issues.push_back({std::string(variable), 0, 0, fmt::format("'{}' is not a URL", url)});
        return std::nullopt;
    }
    engine.origin = *origin;
    return engine;
}

/// OLLAMA_HOST may well be set to Segue's own address, because clients read it too.
bool is_own_address(const net::Origin& origin, std::string_view listen) {
    const auto own = net::parse_origin(listen, 8484);
    const auto loopback = [](std::string_view host) {
        return host == "127.0.0.1" || host == "localhost" || host == "0.0.0.0" || host == "::1";
    };
    return own && own->port == origin.port &&
           (own->host == origin.host || (loopback(own->host) && loopback(origin.host)));
}

void add_engines_from_environment(Config& config, const Environment& environment,
                                  std::vector<SettingIssue>& issues) {
    auto& engines = config.registry.engines;
    for (const auto* variable : {"OLLAMA_URL", "OLLAMA_HOST"}) {
        const auto url = environment(variable);
        if (!url || url->empty()) continue;
        auto engine =
            engine_from_environment("ollama", llm::Dialect::kOllama, variable, *url, issues);
        if (!engine) break;
        if (engine->origin.host == "0.0.0.0") engine->origin.host = "127.0.0.1";
        if (is_own_address(engine->origin, config.listen)) continue;
        engines.push_back(std::move(*engine));
        break;
    }
    if (const auto url = environment("VLLM_ENDPOINT"); url && !url->empty()) {
        if (auto engine = engine_from_environment("vllm", llm::Dialect::kOpenAi, "VLLM_ENDPOINT",
                                                  *url, issues))
            engines.push_back(std::move(*engine));
    }
}

/// OLLAMA_MODEL and VLLM_MODEL are one model under two names: whichever a client asks for, the
/// backend in force answers.
void add_models_from_environment(Config& config, const Environment& environment) {
    const std::string ollama_name = environment("OLLAMA_MODEL").value_or("");
    const std::string vllm_name = environment("VLLM_MODEL").value_or("");
    if (ollama_name.empty() && vllm_name.empty()) return;
    std::vector<engine::TargetConfig> targets;
    for (const auto& engine : config.registry.engines) {
        const bool is_ollama = engine.dialect == llm::Dialect::kOllama;
        const std::string& served = is_ollama ? ollama_name : vllm_name;
        // Without a name of its own the engine is asked for the name that there is.
        targets.push_back({engine.name,
                           served.empty() ? (is_ollama ? vllm_name : ollama_name) : served,
                           is_ollama ? 1 : 0});
    }
    if (targets.empty()) return;
    for (const auto& name : {ollama_name, vllm_name}) {
        const auto& known = config.registry.models;
        if (name.empty() ||
            std::any_of(known.begin(), known.end(),
                        [&](const engine::ModelConfig& model) { return model.name == name; }))
            continue;
        engine::ModelConfig model;
        model.name = name;
        model.balance = config.registry.balance;
        model.targets = targets;
        config.registry.models.push_back(std::move(model));
    }
    if (config.registry.default_model.empty())
        config.registry.default_model = ollama_name.empty() ? vllm_name : ollama_name;
}

void read_backend(Settings& top, Config& config, const Environment& environment,
                  std::vector<SettingIssue>& issues) {
    static constexpr std::array<std::string_view, 3> kBackends{"auto", "ollama", "vllm"};
    config.registry.backend =
        static_cast<engine::Backend>(top.choice("backend", kBackends).value_or(0));
    const auto value = environment("AI_BACKEND");
    if (!value || value->empty()) return;
    const auto found = std::find(kBackends.begin(), kBackends.end(), to_lower(trim(*value)));
    if (found == kBackends.end()) {
        issues.push_back(
            {"AI_BACKEND", 0, 0, fmt::format("'{}' is not one of ollama, vllm, auto", *value)});
        return;
    }
    config.registry.backend = static_cast<engine::Backend>(found - kBackends.begin());
}

/// "host:port", "[v6]:port", ":port" or "port"; port 0 takes a free one.
bool is_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
    if (port.empty() || port.size() > 5 ||
        port.find_first_not_of("0123456789") != std::string_view::npos)
        return false;
    return std::stoi(std::string(port)) <= 65535;
}

void check_names(Settings& top, const Config& config) {
    const auto& engines = config.registry.engines;
    for (std::size_t i = 0; i < engines.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (engines[i].name == engines[j].name)
                top.complain("engines",
                             fmt::format("two engines are called '{}'", engines[i].name));
    const auto& models = config.registry.models;
    for (std::size_t i = 0; i < models.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (iequals(models[i].name, models[j].name))
                top.complain("models", fmt::format("two models are called '{}'", models[i].name));
}

}  // namespace

net::ServerLimits limits_for(const Config& config, bool loopback, std::size_t descriptors) {
    net::ServerLimits limits = config.limits;
    const std::size_t most =
        descriptors - std::min(descriptors, std::max<std::size_t>(descriptors / 4, 64));
    if (limits.max_connections == 0 || limits.max_connections > most)
        limits.max_connections = std::max<std::size_t>(most, 1);
    limits.max_connections_per_address =
        config.connections_per_address.value_or(loopback ? 0 : kConnectionsPerAddress);
    return limits;
}

LoadedConfig read_config(std::string_view text, const std::string& file, const Flags& flags,
                         const Environment& environment) {
    LoadedConfig loaded;
    Config& config = loaded.config;
    config.file = file;
    auto top =
        Settings::parse(text, file.empty() ? "configuration" : file, environment, loaded.issues);
    config.listen = top.string("listen").value_or(config.listen);
    if (!flags.listen.empty()) config.listen = flags.listen;
    config.workers = static_cast<std::size_t>(top.integer("workers", 0, 256).value_or(0));
    if (flags.workers) config.workers = *flags.workers;
    config.data_dir = top.string("data_dir").value_or(default_data_dir(environment));
    if (!flags.data_dir.empty()) config.data_dir = flags.data_dir;
    const bool store = top.boolean("store").value_or(true) && !flags.no_store;
    config.gateway.allow_aliases = store;
    read_database(top, config, environment);
    if (!store) config.database.kind = DatabaseConfig::Kind::kNone;
    config.insecure_no_auth =
        top.boolean("insecure_no_auth").value_or(false) || flags.insecure_no_auth;
    config.drain = top.duration("drain").value_or(config.drain);
    config.rehearsal = top.boolean("rehearsal").value_or(true);
    read_log(top, config);
    read_limits(top, config);
    read_tls(top, config);
    read_gateway(top, config);
    read_oidc(top, config);
    read_retrieval(top, config);
    read_backend(top, config, environment, loaded.issues);
    for (auto& entry : top.list("engines"))
        config.registry.engines.push_back(engine::read_engine(entry, environment));
    if (config.registry.engines.empty())
        add_engines_from_environment(config, environment, loaded.issues);
    if (const auto key = environment("VLLM_API_KEY"); key && !key->empty()) {
        for (auto& engine : config.registry.engines)
            if (engine.api_key.empty() && engine.dialect != llm::Dialect::kOllama)
                engine.api_key = *key;
    }
    read_embedding(top, config);
    config.registry.balance = engine::read_balance(top, {});
    for (auto& entry : top.list("models"))
        config.registry.models.push_back(
            engine::read_model(entry, config.registry.engines, config.registry.balance));
    config.registry.default_model = top.string("default_model").value_or("");
    add_models_from_environment(config, environment);
    config.tracing = telemetry::read_tracing(environment, loaded.issues);
    config.discover = config.registry.engines.empty();
    check_names(top, config);
    top.finish();
    if (!is_listen_address(config.listen))
        top.complain("listen",
                     fmt::format("'{}' is not an address such as 127.0.0.1:8484", config.listen));
    return loaded;
}

LoadedConfig load_config(const Flags& flags, const Environment& environment) {
    std::string file = flags.config_file;
    if (file.empty()) file = environment("SEGUE_CONFIG").value_or("");
    const bool named = !file.empty();
    if (!named) file = kDefaultFile;
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        if (!named) return read_config("", "", flags, environment);
        LoadedConfig loaded;
        loaded.issues.push_back(
            {file, 0, 0, "there is no such file; segue config init writes one"});
        return loaded;
    }
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in || std::filesystem::is_directory(file, error)) {
        LoadedConfig loaded;
        loaded.issues.push_back(
            {file, 0, 0, "cannot be read; check that it is a file and its permissions"});
        return loaded;
    }
    return read_config(text.str(), file, flags, environment);
}

}  // namespace segue::serve
