#include "engine/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/parameters.hpp"

namespace segue::engine {
namespace {

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

std::optional<llm::Dialect> read_dialect(Settings& entry) {
    static constexpr std::array<std::string_view, 4> kNames{"ollama", "openai", "vllm", "auto"};
    const auto position = entry.choice("dialect", kNames);
    if (!position || *position == 3) return std::nullopt;
    return *position == 0 ? llm::Dialect::kOllama : llm::Dialect::kOpenAi;
}

void read_parameters(Settings& settings, llm::Profile& profile) {
    json::Parser parser;
    for (const auto& [name, text] : settings.scalars("parameters")) {
        const auto value = parser.parse(text);
        if (!value || !set_parameter(profile, name, *value))
            settings.complain("parameters",
                              fmt::format("parameter '{}' has the wrong type: {}", name, text));
    }
}

void read_breaker(Settings& settings, BreakerOptions& breaker) {
    const auto whole = [&](std::string_view key, int low, int& value) {
        value = static_cast<int>(settings.integer(key, low, 1'000'000).value_or(value));
    };
    const auto time = [&](std::string_view key, std::chrono::milliseconds& value) {
        value = settings.duration(key).value_or(value);
        if (value < std::chrono::milliseconds(1) || value > std::chrono::hours(24))
            settings.complain(key, fmt::format("'{}' must be between 1ms and 24h", key));
    };
    whole("failures", 0, breaker.failures);
    breaker.failure_rate = settings.number("failure_rate", 0, 1).value_or(breaker.failure_rate);
    whole("min_requests", 1, breaker.min_requests);
    time("window", breaker.window);
    time("ejection", breaker.ejection);
    time("max_ejection", breaker.max_ejection);
    if (breaker.max_ejection < breaker.ejection)
        settings.complain("max_ejection", "'max_ejection' must not be shorter than 'ejection'");
    whole("trials", 1, breaker.trials);
    settings.finish();
}

void read_admission(Settings& settings, AdmissionOptions& admission) {
    using Limit = AdmissionOptions::Limit;
    constexpr int kMost = 100'000;
    const std::string limit = to_lower(settings.string("limit").value_or("off"));
    int number = 0;
    const char* end = limit.data() + limit.size();
    const auto [stop, error] = std::from_chars(limit.data(), end, number);
    if (limit == "adaptive") {
        admission.limit = Limit::kAdaptive;
    } else if (error == std::errc{} && stop == end && number >= 1 && number <= kMost) {
        admission.limit = Limit::kFixed;
        admission.fixed = number;
    } else if (limit != "off" && limit != "false" && limit != "no") {  // YAML's own words for off
        settings.complain("limit", fmt::format("'limit' is off, adaptive or a number from 1 to {}, "
                                               "not '{}'",
                                               kMost, limit));
    }
    const auto whole = [&](std::string_view key, std::int64_t low, int& value) {
        value = static_cast<int>(settings.integer(key, low, kMost).value_or(value));
    };
    whole("least", 1, admission.least);
    whole("most", 1, admission.most);
    if (admission.most < admission.least)
        settings.complain("most", "'most' must not be smaller than 'least'");
    admission.queue = static_cast<std::size_t>(
        settings.integer("queue", 0, kMost).value_or(static_cast<std::int64_t>(admission.queue)));
    admission.longest_wait = settings.duration("longest_wait").value_or(admission.longest_wait);
    if (admission.longest_wait < std::chrono::milliseconds(1))
        settings.complain("longest_wait",
                          "'longest_wait' must be at least 1ms; queue: 0 is no queue");
    admission.spill = settings.boolean("spill").value_or(admission.spill);
    settings.finish();
}

}  // namespace

bool EngineConfig::operator==(const EngineConfig& other) const {
    return name == other.name && dialect == other.dialect && origin == other.origin &&
           api_key == other.api_key && tls.verify == other.tls.verify &&
           tls.ca_file == other.tls.ca_file && tls.server_name == other.tls.server_name &&
           probe_interval == other.probe_interval && probe_timeout == other.probe_timeout &&
           probe_capabilities == other.probe_capabilities && stand_in == other.stand_in &&
           deadlines == other.deadlines && breaker == other.breaker;
}

EngineConfig read_engine(Settings& entry, const Environment& environment) {
    EngineConfig engine;
    engine.name = entry.string("name").value_or("");
    if (engine.name.empty()) entry.complain("name", "an engine needs a 'name'");
    engine.dialect = read_dialect(entry);
    std::string url = entry.string("url").value_or("");
    // People write the address of an OpenAI server with or without the /v1 that its clients want.
    const std::string_view bare = std::string_view(url).substr(0, url.find_last_not_of('/') + 1);
    if (engine.dialect != llm::Dialect::kOllama && bare.ends_with("/v1"))
        url = bare.substr(0, bare.size() - 3);
    const std::uint16_t port = engine.dialect == llm::Dialect::kOllama ? 11434 : 8000;
    if (const auto origin = net::parse_origin(url, port)) {
        engine.origin = *origin;
    } else {
        entry.complain("url",
                       url.empty()
                           ? "an engine needs a 'url', such as http://127.0.0.1:8000"
                           : fmt::format("'{}' is not a URL such as http://127.0.0.1:8000", url));
    }
    engine.api_key = entry.string("api_key").value_or("");
    if (const auto variable = entry.string("api_key_env")) {
        const auto value = environment(*variable);
        if (value)
            engine.api_key = *value;
        else
            entry.complain("api_key_env",
                           fmt::format("environment variable {} is not set", *variable));
    }
    if (auto tls = entry.section("tls")) {
        engine.tls.verify = tls->boolean("verify").value_or(true);
        engine.tls.ca_file = tls->string("ca_file").value_or("");
        engine.tls.server_name = tls->string("server_name").value_or("");
        tls->finish();
    }
    engine.probe_interval = entry.duration("probe_interval").value_or(engine.probe_interval);
    engine.probe_timeout = entry.duration("probe_timeout").value_or(engine.probe_timeout);
    if (engine.probe_interval < std::chrono::milliseconds(10))
        entry.complain("probe_interval", "'probe_interval' must be at least 10ms");
    engine.probe_capabilities = entry.boolean("probe_capabilities").value_or(true);
    if (auto deadlines = entry.section("deadlines")) {
        AttemptDeadlines& d = engine.deadlines;
        d.connect = deadlines->duration("connect").value_or(d.connect);
        d.first_event = deadlines->duration("first_event").value_or(d.first_event);
        d.between_events = deadlines->duration("between_events").value_or(d.between_events);
        d.total = deadlines->duration("total").value_or(d.total);
        deadlines->finish();
    }
    if (auto breaker = entry.section("breaker")) read_breaker(*breaker, engine.breaker);
    if (auto admission = entry.section("admission")) read_admission(*admission, engine.admission);
    entry.finish();
    return engine;
}

llm::Profile read_profile(Settings& settings) {
    llm::Profile profile;
    static constexpr std::array<std::string_view, 6> kThinking{"auto",    "template", "effort",
                                                               "mistral", "always",   "no"};
    if (const auto style = settings.choice("thinking", kThinking))
        profile.thinking = static_cast<llm::ThinkingStyle>(*style);
    static constexpr std::array<std::string_view, 2> kSplit{"auto", "off"};
    profile.split_reasoning = settings.choice("reasoning_split", kSplit).value_or(0) == 0;
    profile.template_opens_think = settings.boolean("template_opens_think").value_or(false);
    profile.think_open = settings.string("think_open").value_or(profile.think_open);
    profile.think_close = settings.string("think_close").value_or(profile.think_close);
    profile.strip_old_thinking = settings.boolean("strip_old_thinking").value_or(true);
    static constexpr std::array<std::string_view, 2> kDefaults{"ollama", "engine"};
    profile.sampling_defaults = settings.choice("sampling_defaults", kDefaults).value_or(0) == 0
                                    ? llm::SamplingDefaults::kOllama
                                    : llm::SamplingDefaults::kEngine;
    static constexpr std::array<std::string_view, 2> kOverflow{"cut", "error"};
    if (const auto overflow = settings.choice("overflow", kOverflow))
        profile.overflow = *overflow == 0 ? llm::Overflow::kCut : llm::Overflow::kError;
    static constexpr std::array<std::string_view, 2> kContext{"off", "exact"};
    profile.exact_context = settings.choice("context", kContext).value_or(0) == 1;
    profile.upstream_stream = settings.boolean("upstream_stream").value_or(true);
    profile.mistral_ids = settings.boolean("mistral_ids").value_or(false);
    profile.join_neighbours = settings.boolean("join_neighbours").value_or(false);
    profile.fold_system = settings.boolean("fold_system").value_or(false);
    static constexpr std::array<std::string_view, 2> kSleep{"never", "on_unload"};
    profile.sleep_on_unload = settings.choice("sleep", kSleep).value_or(0) == 1;
    profile.fim_template = settings.string("fim_template").value_or("");
    read_parameters(settings, profile);
    profile.system = settings.string("system").value_or("");
    for (auto& entry : settings.list("messages")) {
        llm::Message message;
        message.role = to_lower(entry.string("role").value_or("user"));
        message.parts.emplace_back(llm::TextPart{entry.string("content").value_or("")});
        entry.finish();
        profile.messages.push_back(std::move(message));
    }
    profile.template_text = settings.string("template").value_or("");
    profile.license = settings.string("license").value_or("");
    profile.capabilities = settings.strings("capabilities");
    profile.family = settings.string("family").value_or("");
    profile.parameter_size = settings.string("parameter_size").value_or("");
    profile.quantization = settings.string("quantization").value_or("");
    profile.architecture = settings.string("architecture").value_or("");
    profile.parameter_count = settings.integer("parameter_count", 1, kAny);
    profile.size_bytes = settings.bytes("size");
    profile.context_length = settings.integer("context_length", 1, kAny);
    profile.embedding_length = settings.integer("embedding_length", 1, kAny);
    settings.finish();
    return profile;
}

BalanceOptions read_balance(Settings& settings, BalanceOptions options) {
    static constexpr std::array<std::string_view, 3> kNames{"affinity", "least_loaded",
                                                            "round_robin"};
    if (const auto balance = settings.choice("balance", kNames))
        options.balance = static_cast<Balance>(*balance);
    if (auto affinity = settings.section("affinity")) {
        options.hot_factor = affinity->number("hot_factor", 1, 1000).value_or(options.hot_factor);
        options.hot_requests = static_cast<int>(
            affinity->integer("hot_requests", 1, 1'000'000).value_or(options.hot_requests));
        affinity->finish();
    }
    return options;
}

ModelConfig read_model(Settings& entry, const std::vector<EngineConfig>& engines,
                       const BalanceOptions& balance) {
    ModelConfig model;
    model.balance = read_balance(entry, balance);
    model.name = entry.string("name").value_or("");
    if (model.name.empty())
        entry.complain("name", "a model needs a 'name', the one that clients use");
    std::vector<std::string_view> names;
    for (const auto& engine : engines)
        names.push_back(engine.name);
    for (auto& target : entry.list("targets")) {
        TargetConfig made;
        made.engine = target.string("engine").value_or("");
        if (std::find(names.begin(), names.end(), made.engine) == names.end()) {
            const auto close = nearest(made.engine, names);
            target.complain("engine",
                            close ? fmt::format("no engine is called '{}'; did you mean '{}'?",
                                                made.engine, *close)
                                  : fmt::format("no engine is called '{}'; there are: {}",
                                                made.engine, fmt::join(names, ", ")));
        }
        made.model = target.string("model").value_or("");
        made.priority = static_cast<int>(target.integer("priority", 0, 1000).value_or(0));
        target.finish();
        model.targets.push_back(std::move(made));
    }
    if (model.targets.empty())
        entry.complain("targets", "a model needs at least one entry in 'targets'");
    if (entry.has("profile")) {
        if (auto profile = entry.section("profile"))
            model.profile = std::make_shared<llm::Profile>(read_profile(*profile));
    }
    entry.finish();
    return model;
}

}  // namespace segue::engine
