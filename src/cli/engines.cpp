#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "engine/registry.hpp"
#include "serve/daemon.hpp"
#include "serve/discovery.hpp"
#include "serve/own_api.hpp"

namespace segue::cli {
namespace {

using engine::EngineFacts;

std::string load_text(const EngineFacts& facts) {
    const auto& load = facts.load;
    if (!load.running) return "not told";
    std::string text =
        fmt::format("{:.0f} running, {:.0f} waiting", *load.running, load.waiting.value_or(0));
    if (load.kv_cache_usage) text += fmt::format(", cache {:.0f}%", *load.kv_cache_usage * 100);
    return text;
}

Row row_of(const engine::Engine& engine) {
    const auto facts = engine.facts();
    const bool up = facts->state == EngineFacts::State::kUp;
    std::string models;
    for (const auto& model : facts->models)
        models += (models.empty() ? "" : ", ") + model.name;
    return {engine.name(),
            facts->kind == "unknown" ? std::string(llm::dialect_name(facts->dialect)) : facts->kind,
            facts->version.empty() ? "-" : facts->version,
            up ? facts->rehearsal ? "up (rehearsal)" : "up" : "down",
            up ? fmt::format("{:.1f} ms",
                             std::chrono::duration<double, std::milli>(facts->latency).count())
               : "-",
            up ? load_text(*facts) : "-",
            models.empty() ? "-" : models};
}

}  // namespace

int engines_command(const serve::Flags& flags, Console& console) {
    auto loaded = serve::load_config(flags, console.environment);
    if (!loaded.issues.empty())
        return report(console, {Fault::kInvalid, serve::describe_issues(loaded.issues)});
    const SystemClock clock;
    auto options = loaded.config.registry;
    if (loaded.config.discover) (void)serve::add_usual_engines(options, clock);
    // A look must not send requests that cost the engine work.
    for (auto& engine : options.engines)
        engine.probe_capabilities = false;
    engine::Registry registry(options, clock);
    registry.start();
    registry.wait_for_first_probe(std::chrono::seconds(15));
    if (console.output == Output::kJson) {
        console.out << serve::engines_json(registry, clock, nullptr) << '\n';
    } else {
        std::vector<Row> rows{{"ENGINE", "KIND", "VERSION", "HEALTH", "LATENCY", "LOAD", "MODELS"}};
        for (const auto& engine : registry.engines())
            rows.push_back(row_of(*engine));
        print_table(console, rows, [&](std::size_t column, const std::string& cell) {
            if (column != 3) return cell;
            return cell.starts_with("up") ? console.green(cell) : console.red(cell);
        });
        for (const auto& engine : registry.engines())
            if (const auto facts = engine->facts(); !facts->problem.empty())
                console.out << fmt::format("{}: {}\n", engine->name(), facts->problem);
    }
    const bool any_up = std::any_of(
        registry.engines().begin(), registry.engines().end(),
        [](const auto& engine) { return engine->facts()->state == EngineFacts::State::kUp; });
    if (!any_up && console.output == Output::kText)
        console.err
            << "no engine is up; start vLLM or Ollama, or set VLLM_ENDPOINT or OLLAMA_URL\n";
    return any_up ? kFine : kUnreachable;
}

}  // namespace segue::cli
