#include "engine/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/capabilities.hpp"
#include "engine/probe_client.hpp"

namespace segue::engine {
namespace {

using State = EngineFacts::State;

/// Value of a sample line `name{labels} value`, when its metric is `name`.
std::optional<double> sample(std::string_view line, std::string_view name) {
    if (line.substr(0, name.size()) != name) return std::nullopt;
    std::string_view rest = line.substr(name.size());
    if (rest.empty() || (rest.front() != '{' && rest.front() != ' ')) return std::nullopt;
    const auto space = rest.rfind(' ');
    rest = trim(rest.substr(space));
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

/// What answers there, when the configuration does not say: /version is vLLM's, /api/version
/// Ollama's.
void find_kind(ProbeClient& client, const EngineConfig& config, EngineFacts& facts) {
    json::Parser parser;
    const bool may_be_openai = config.dialect != llm::Dialect::kOllama;
    if (may_be_openai) {
        const auto answer = client.get("/version");
        if (answer && answer->status == 200) {
            if (const auto root = parser.parse(answer->body);
                root && (*root)["version"].is_string()) {
                facts.dialect = llm::Dialect::kOpenAi;
                facts.kind = "vllm";
                facts.version = (*root)["version"].string();
                return;
            }
        }
        if (!answer) {
            facts.problem = answer.error().detail;
            return;
        }
    }
    if (config.dialect != llm::Dialect::kOpenAi) {
        const auto answer = client.get("/api/version");
        if (!answer) {
            facts.problem = answer.error().detail;
            return;
        }
        if (const auto root = parser.parse(answer->body);
            answer->status == 200 && root && (*root)["version"].is_string()) {
            facts.dialect = llm::Dialect::kOllama;
            facts.kind = "ollama";
            facts.version = (*root)["version"].string();
            return;
        }
        if (config.dialect) {
            facts.problem =
                fmt::format("/api/version answered {}: this is no Ollama", answer->status);
            return;
        }
    }
    facts.dialect = llm::Dialect::kOpenAi;
    facts.kind = "openai";
}

void read_openai_models(ProbeClient& client, EngineFacts& facts, WallTime now,
                        const EngineFacts& before) {
    const auto answer = client.get("/v1/models");
    if (!answer) {
        facts.problem = answer.error().detail;
        return;
    }
    if (answer->status == 401 || answer->status == 403) {
        facts.problem = "the API key was refused; set api_key for this engine (VLLM_API_KEY)";
        return;
    }
    json::Parser parser;
    const auto root = parser.parse(answer->body);
    if (answer->status != 200 || !root || !(*root)["data"].is_array()) {
        facts.problem = fmt::format("/v1/models answered {}", answer->status);
        return;
    }
    for (const auto entry : (*root)["data"]) {
        ServedModel model;
        model.name = entry["id"].string();
        model.root = entry["root"].string();
        model.max_model_len = entry["max_model_len"].integer();
        if (entry["owned_by"].string() == "vllm" && facts.kind == "openai") facts.kind = "vllm";
        const ServedModel* known = before.find(model.name);
        model.first_seen = known ? known->first_seen : now;
        if (known) model.capabilities = known->capabilities;
        if (!model.name.empty()) facts.models.push_back(std::move(model));
    }
    if (facts.models.empty()) facts.problem = "the engine lists no model";
}

void read_ollama_models(ProbeClient& client, EngineFacts& facts, WallTime now,
                        const EngineFacts& before) {
    const auto answer = client.get("/api/tags");
    if (!answer) {
        facts.problem = answer.error().detail;
        return;
    }
    json::Parser parser;
    const auto root = parser.parse(answer->body);
    if (answer->status != 200 || !root || !(*root)["models"].is_array()) {
        facts.problem = fmt::format("/api/tags answered {}", answer->status);
        return;
    }
    for (const auto entry : (*root)["models"]) {
        ServedModel model;
        model.name = entry["model"].string(entry["name"].string());
        model.tags_entry = entry.raw();
        model.max_model_len = entry["details"]["context_length"].integer();
        for (const auto capability : entry["capabilities"])
            model.capabilities.emplace_back(capability.string());
        const ServedModel* known = before.find(model.name);
        model.first_seen = known ? known->first_seen : now;
        if (known && model.capabilities.empty()) model.capabilities = known->capabilities;
        if (!model.name.empty()) facts.models.push_back(std::move(model));
    }
    if (const auto loaded = client.get("/api/ps"); loaded && loaded->status == 200) {
        if (const auto ps = parser.parse(loaded->body))
            for (const auto entry : (*ps)["models"])
                for (auto& model : facts.models)
                    if (model.name == entry["model"].string()) model.ps_entry = entry.raw();
    }
}

void read_vllm_extras(ProbeClient& client, const Engine& engine, const Clock& clock,
                      EngineFacts& facts) {
    if (const auto metrics = client.get("/metrics"); metrics && metrics->status == 200) {
        facts.load = parse_vllm_load(metrics->body);
        facts.load.read = clock.now();
        facts.load.own = engine.in_flight();
    }
    if (const auto sleeping = client.get("/is_sleeping"); sleeping && sleeping->status == 200) {
        json::Parser parser;
        if (const auto root = parser.parse(sleeping->body))
            facts.sleeping = (*root)["is_sleeping"].boolean();
    }
}

}  // namespace

EngineLoad parse_vllm_load(std::string_view text) {
    EngineLoad load;
    const auto add = [](std::optional<double>& into, std::optional<double> value) {
        if (value) into = into.value_or(0) + *value;
    };
    for (const auto line : split(text, '\n')) {
        if (line.empty() || line.front() == '#') continue;
        add(load.running, sample(line, "vllm:num_requests_running"));
        add(load.waiting, sample(line, "vllm:num_requests_waiting"));
        auto cache = sample(line, "vllm:kv_cache_usage_perc");
        if (!cache) cache = sample(line, "vllm:gpu_cache_usage_perc");  // before 0.10
        if (cache) load.kv_cache_usage = std::max(load.kv_cache_usage.value_or(0), *cache);
    }
    return load;
}

EngineFacts probe_engine(const Engine& engine, const Clock& clock) {
    const EngineConfig& config = engine.config();
    const auto before = engine.facts();
    ProbeClient client(config, engine.tls());
    EngineFacts facts;
    facts.state = State::kDown;
    facts.probed = clock.wall();
    facts.dialect = config.dialect.value_or(before->dialect);
    find_kind(client, config, facts);
    if (facts.problem.empty() && facts.dialect == llm::Dialect::kOpenAi) {
        const TimePoint start = clock.now();
        const auto health = client.get("/health");
        facts.latency = clock.now() - start;
        if (!health) {
            facts.problem = health.error().detail;
        } else if (health->status >= 500) {
            facts.problem = fmt::format("/health answered {}", health->status);
        } else {
            read_openai_models(client, facts, facts.probed, *before);
        }
    } else if (facts.problem.empty()) {
        const TimePoint start = clock.now();
        const auto root = client.get("/");
        facts.latency = clock.now() - start;
        if (!root || root->status >= 500) {
            facts.problem = root ? fmt::format("/ answered {}", root->status) : root.error().detail;
        } else {
            read_ollama_models(client, facts, facts.probed, *before);
        }
    }
    facts.rehearsal = client.saw_rehearsal();
    if (!facts.problem.empty()) {
        // A model list that was known stays known: routing may still try the engine when nothing
        // else is left.
        facts.models = before->models;
        if (facts.kind == "unknown") facts.kind = before->kind;
        if (facts.version.empty()) facts.version = before->version;
        return facts;
    }
    facts.state = State::kUp;
    const bool restarted = before->state != State::kUp || before->version != facts.version;
    if (!restarted) facts.load = before->load;  // with its time: unread, it grows stale
    if (facts.kind == "vllm") read_vllm_extras(client, engine, clock, facts);
    if (restarted) engine.traits()->forget();
    if (config.probe_capabilities) learn_capabilities(client, facts, *engine.traits());
    return facts;
}

}  // namespace segue::engine
