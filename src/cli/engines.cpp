#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "engine/registry.hpp"
#include "net/client.hpp"
#include "serve/daemon.hpp"
#include "serve/discovery.hpp"
#include "serve/engines_json.hpp"

namespace segue::cli {
namespace {

constexpr auto kAskTheGateway = std::chrono::milliseconds(2'000);

std::string or_dash(std::string_view text) {
    return text.empty() ? "-" : std::string(text);
}

std::string load_text(json::Value engine) {
    const auto running = engine["running"].number();
    if (!running) return "not told";
    std::string text = fmt::format("{:.0f} running, {:.0f} waiting", *running,
                                   engine["waiting"].number().value_or(0));
    if (const auto cache = engine["kv_cache_usage"].number())
        text += fmt::format(", cache {:.0f}%", *cache * 100);
    if (engine["load_signal"].string() == "stale")
        text += fmt::format(" (stale: {:.0f} s old)",
                            engine["load_age_ms"].number().value_or(0) / 1000);
    return text;
}

Row row_of(json::Value engine) {
    const bool up = engine["state"].string() == "up";
    const std::string_view kind = engine["kind"].string();
    std::string models;
    for (const auto model : engine["models"])
        models += fmt::format("{}{}", models.empty() ? "" : ", ", model["name"].string());
    return {std::string(engine["name"].string()),
            std::string(kind == "unknown" ? engine["dialect"].string() : kind),
            or_dash(engine["version"].string()),
            !up                             ? "down"
            : engine["rehearsal"].boolean() ? "up (rehearsal)"
                                            : "up",
            or_dash(replace_all(engine["breaker"]["state"].string(), "_", "-")),
            up ? fmt::format("{:.1f} ms", engine["latency_ms"].number().value_or(0)) : "-",
            up ? load_text(engine) : "-",
            or_dash(models)};
}

/// Why it is down, or why the breaker keeps it out.
void print_troubles(json::Value engine, std::ostream& out) {
    const std::string_view name = engine["name"].string();
    if (const auto problem = engine["problem"].string(); !problem.empty())
        out << fmt::format("{}: {}\n", name, problem);
    const auto breaker = engine["breaker"];
    const auto reason = breaker["reason"].string();
    if (reason.empty()) return;
    const auto wait = breaker["next_trial_in_ms"].number();
    out << fmt::format("{}: {}: {}\n", name,
                       wait ? fmt::format("put aside for another {:.1f} s", *wait / 1000)
                            : std::string("only trial requests are let through"),
                       reason);
}

/// What a running gateway knows: how requests fared there, which no look from outside tells.
Result<std::string> ask_gateway(const std::string& url, const std::string& key) {
    const auto origin = net::parse_origin(url, 8484);
    if (!origin)
        return fail(Fault::kInvalid,
                    fmt::format("'{}' is not a URL such as http://127.0.0.1:8484", url));
    net::ClientRequest request;
    request.origin = *origin;
    request.path = "/segue/v1/engines";
    if (!key.empty()) request.headers.add("Authorization", "Bearer " + key);
    request.deadlines.connect = kAskTheGateway;
    request.deadlines.total = kAskTheGateway;
    SEGUE_TRY(answer, net::fetch(std::move(request)));
    if (answer.status == 401)
        return fail(Fault::kInvalid,
                    fmt::format("the gateway at {} wants a key; set SEGUE_API_KEY", url));
    json::Parser parser;
    const auto root = parser.parse(answer.body);
    if (answer.status != 200 || !root || !(*root)["engines"].is_array())
        return fail(Fault::kUnreachable,
                    fmt::format("{} answered {}: it is no Segue gateway", url, answer.status));
    return std::move(answer.body);
}

Result<std::string> look(const serve::Config& config) {
    const SystemClock clock;
    auto options = config.registry;
    if (config.discover) (void)serve::add_usual_engines(options, clock);
    // A look must not send requests that cost the engine work.
    for (auto& engine : options.engines)
        engine.probe_capabilities = false;
    engine::Registry registry(options, clock);
    registry.start();
    registry.wait_for_first_probe(std::chrono::seconds(15));
    return serve::engines_json(registry, clock, serve::SeenFrom::kOutside, nullptr);
}

}  // namespace

std::string gateway_url(std::string_view listen) {
    const auto colon = listen.rfind(':');
    std::string host(colon == std::string_view::npos ? "" : listen.substr(0, colon));
    const std::string_view port =
        colon == std::string_view::npos ? listen : listen.substr(colon + 1);
    if (port.empty() || port == "0") return {};
    if (host.empty() || host == "0.0.0.0" || host == "[::]") host = "127.0.0.1";
    return fmt::format("http://{}:{}", host, port);
}

int engines_command(const EnginesArguments& arguments, Console& console) {
    auto loaded = serve::load_config(arguments.flags, console.environment);
    if (!loaded.issues.empty())
        return report(console, {Fault::kInvalid, serve::describe_issues(loaded.issues)});
    const serve::Config& config = loaded.config;
    const bool named = !arguments.gateway.empty();
    const std::string url = named ? arguments.gateway : gateway_url(config.listen);
    std::string body;
    std::string seen_by;
    if (!arguments.direct && !url.empty()) {
        const auto& keys = config.gateway.keys;
        auto told = ask_gateway(
            url, console.environment("SEGUE_API_KEY").value_or(keys.empty() ? "" : keys.front()));
        if (told) {
            body = std::move(*told);
            seen_by = fmt::format("as the gateway at {} sees them", url);
        } else if (named || told.error().fault == Fault::kInvalid) {
            return report(console, told.error());
        }
    }
    if (body.empty()) {
        auto seen = look(config);
        if (!seen) return report(console, seen.error());
        body = std::move(*seen);
        seen_by = "as this command sees them; no running gateway was asked";
    }
    json::Parser parser;
    const auto root = parser.parse(body);
    if (!root) return report(console, {Fault::kInternal, "the list of engines is not JSON"});
    const json::Value engines = (*root)["engines"];
    bool any_up = false;
    for (const auto engine : engines)
        any_up = any_up || engine["state"].string() == "up";
    if (console.output == Output::kJson) {
        console.out << body << '\n';
        return any_up ? kFine : kUnreachable;
    }
    std::vector<Row> rows{
        {"ENGINE", "KIND", "VERSION", "HEALTH", "BREAKER", "LATENCY", "LOAD", "MODELS"}};
    for (const auto engine : engines)
        rows.push_back(row_of(engine));
    print_table(console, rows, [&](std::size_t column, const std::string& cell) {
        const bool good = cell.starts_with("up") || cell.starts_with("closed");
        if ((column != 3 && column != 4) || cell.starts_with("-")) return cell;
        return good ? console.green(cell) : console.red(cell);
    });
    for (const auto engine : engines)
        print_troubles(engine, console.out);
    console.out << seen_by << '\n';
    if (!any_up)
        console.err
            << "no engine is up; start vLLM or Ollama, or set VLLM_ENDPOINT or OLLAMA_URL\n";
    return any_up ? kFine : kUnreachable;
}

}  // namespace segue::cli
