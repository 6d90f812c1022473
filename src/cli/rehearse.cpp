#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <ostream>
#include <stop_token>
#include <thread>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "engine/rehearsal/engine.hpp"

namespace segue::cli {
namespace {

Result<engine::RehearsalOptions> options_of(const RehearseArguments& arguments) {
    const auto dialect =
        arguments.dialect == "ollama" ? llm::Dialect::kOllama : llm::Dialect::kOpenAi;
    engine::RehearsalOptions options;
    options.dialect = dialect;
    if (arguments.skill == "tiny") {
        options = engine::tiny_rehearsal(dialect);
    } else if (!arguments.skill.empty()) {
        return fail(Fault::kInvalid,
                    fmt::format("no skill is called '{}'; there is: tiny", arguments.skill));
    }
    if (!arguments.models.empty()) options.models = arguments.models;
    if (!arguments.api_key.empty()) options.api_keys = {arguments.api_key};
    options.seed = arguments.seed;
    if (arguments.no_latency) options.timing = engine::rehearsal::instant_profile();
    if (arguments.first_token_ms) options.timing.ttft_ms = *arguments.first_token_ms;
    if (arguments.tokens_per_second)
        options.timing.tokens_per_second = *arguments.tokens_per_second;
    if (arguments.slots) options.timing.slots = static_cast<std::size_t>(*arguments.slots);
    if (arguments.max_model_len) options.max_model_len = *arguments.max_model_len;
    if (arguments.embeddings) options.embeds = true;
    if (arguments.no_embeddings) options.embeds = false;
    options.development_routes = arguments.development_routes;
    if (!arguments.faults.empty()) {
        json::Parser parser;
        const auto root = parser.parse(arguments.faults);
        if (!root)
            return fail(Fault::kInvalid, fmt::format("--faults is no JSON: {} at byte {}",
                                                     root.error().reason, root.error().offset));
        SEGUE_TRY(faults, engine::rehearsal::read_fault_set(*root));
        options.faults = std::move(faults);
    }
    return options;
}

}  // namespace

int rehearse_engine_command(const RehearseArguments& arguments, Console& console) {
    auto options = options_of(arguments);
    if (!options) return report(console, options.error());
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    auto engine = engine::RehearsalThread::start(std::move(*options), arguments.address);
    if (!engine) return report(console, engine.error());
    if (!arguments.port_file.empty()) {
        std::ofstream file(arguments.port_file, std::ios::trunc);
        file << (*engine)->address() << '\n';
        file.close();
        if (!file)
            return report(console,
                          {Fault::kIo, fmt::format("cannot write {}", arguments.port_file)});
    }
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) { w.member("url", (*engine)->url()); })
                    << '\n';
    } else {
        console.out << fmt::format("rehearsal engine ({}) listens on {}: a stand-in, not a model\n",
                                   arguments.dialect, (*engine)->url());
    }
    console.out.flush();
    int signal = 0;
    sigwait(&signals, &signal);
    return kFine;
}

}  // namespace segue::cli
